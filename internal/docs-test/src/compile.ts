import path from 'node:path'
import ts from 'typescript'
import { type Block, root } from './blocks.js'

const folder = path.join(root, 'internal/docs-test')

/** What the compiler says of the blocks, one line per complaint, with the page and the line in it. */
export function complaints(blocks: readonly Block[]): string[] {
  const virtual = new Map(blocks.map((block, i) => [path.join(folder, `block-${i}.${block.language}`), block] as const))
  const program = programOf(virtual)
  return [...virtual].flatMap(([file, block]) => {
    const source = program.getSourceFile(file)
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
    return found.map((diagnostic) => {
      const said = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')
      const at = source?.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line ?? 0
      return `${block.page}:${block.line}: ${said}\n    ${block.code.split('\n')[at] ?? ''}`
    })
  })
}

/** Names that packages export, types too. */
export function exportedNames(packageNames: readonly string[]): Map<string, string[]> {
  const file = path.join(folder, 'exports.ts')
  const code = packageNames.map((name, i) => `import * as all${i} from '${name}'\n`).join('')
  const program = programOf(new Map([[file, { code }]]))
  const checker = program.getTypeChecker()
  const imports = program.getSourceFile(file)?.statements.filter(ts.isImportDeclaration) ?? []
  return new Map(
    imports.map(({ moduleSpecifier }, i) => {
      const symbol = checker.getSymbolAtLocation(moduleSpecifier)
      if (symbol === undefined) throw new Error(`${packageNames[i]} cannot be resolved from ${folder}`)
      return [packageNames[i] as string, checker.getExportsOfModule(symbol).map(({ name }) => name)]
    }),
  )
}

/** A program of files that are not on the disk, compiled as the packages' own are. */
function programOf(virtual: ReadonlyMap<string, { readonly code: string }>): ts.Program {
  const { config } = ts.readConfigFile(path.join(root, 'tooling/tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [] }, ts.sys, folder)
  const compilerOptions: ts.CompilerOptions = {
    ...options,
    allowJs: true,
    checkJs: true,
    // A block shows what it is about and leaves the rest to its reader.
    noUnusedLocals: false,
    noUnusedParameters: false,
  }
  const host = ts.createCompilerHost(compilerOptions)
  const { getSourceFile, fileExists, readFile } = host
  host.getSourceFile = (file, target, ...rest) => {
    const block = virtual.get(path.normalize(file))
    return block === undefined
      ? getSourceFile(file, target, ...rest)
      : ts.createSourceFile(file, block.code, target, true)
  }
  host.fileExists = (file) => virtual.has(path.normalize(file)) || fileExists(file)
  host.readFile = (file) => virtual.get(path.normalize(file))?.code ?? readFile(file)
  return ts.createProgram([...virtual.keys()], compilerOptions, host)
}
