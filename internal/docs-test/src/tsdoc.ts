import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type Block, filesBelow, root } from './blocks.js'
import { exportedNames } from './compile.js'

const packages = [
  '@drover/core',
  '@drover/adapter-sqlite',
  '@drover/adapter-postgres',
  '@drover/adapter-redis',
  '@drover/adapter-qdrant',
  '@drover/checkpoints',
  '@drover/export-parquet',
  '@drover/schema',
  '@drover/schema/testing',
  '@drover/cli',
  '@drover/conformance',
]
/** Exported, but in examples a value of the reader's own unless it is called. */
const ownName = 'sink'
const comment = /^ *\/\*\*[\s\S]*?\*\//gm
const fenced = /```ts\n([\s\S]*?)```/g
const example = /^@example\n([\s\S]*?)(?=^@|(?![\s\S]))/gm

/** The examples in the comments of the packages' sources, each with the imports that an editor would add. */
export function commentBlocks(): Block[] {
  const namesOf = new Map([
    ...exportedNames(packages),
    ['./src/given.js', givenNames()],
    ['vitest', ['expect', 'test']],
  ])
  return filesBelow('packages')
    .filter((file) => /\/src\/.*(?<!\.test|\.test-d)\.ts$/.test(file))
    .flatMap((page) => {
      const text = readFileSync(path.join(root, page), 'utf8')
      return [...text.matchAll(comment)].flatMap((match) => {
        const line = text.slice(0, match.index).split('\n').length
        return codeIn(match[0]).map((code) => ({
          page,
          line,
          language: 'ts' as const,
          isRunnable: false,
          code: `${importsFor(code, namesOf)}${code}\nexport {}\n`,
        }))
      })
    })
}

function codeIn(text: string): string[] {
  const plain = text
    .replace(/^ *\/\*\* ?/, '')
    .replace(/ *\*\/$/, '')
    .replaceAll(/^ *\* ?/gm, '')
  const inFences = [...plain.matchAll(fenced)].map((match) => match[1] ?? '')
  const bare = [...plain.replaceAll(fenced, '').matchAll(example)].map((match) => match[1] ?? '')
  return [...inFences, ...bare].filter((code) => code.trim() !== '')
}

/** Every name is imported from the first place that has it, unless the example declares it. */
function importsFor(code: string, namesOf: ReadonlyMap<string, readonly string[]>): string {
  const used = new Set(code.replaceAll(/\/\/.*|'[^'\n]*'/g, '').match(/(?<!\.)\b[A-Za-z_]\w*\b(?!:)/g))
  const declared = new Set(
    [...code.matchAll(/\b(?:const|let|using|function|class|interface|type) (\w+)/g)].map((match) => match[1]),
  )
  let imports = ''
  for (const [from, names] of namesOf) {
    const isOther = (name: string) => name === ownName && from !== './src/given.js' && !code.includes(`${ownName}({`)
    const wanted = names.filter((name) => used.has(name) && !declared.has(name) && !isOther(name))
    for (const name of wanted) declared.add(name)
    if (wanted.length > 0)
      imports += `import { ${wanted.map((name) => (isType(name) ? `type ${name}` : name)).join(', ')} } from '${from}'\n`
  }
  return imports
}

/** Types are the names that begin with a capital letter, but for the one class. */
function isType(name: string): boolean {
  return /^[A-Z]/.test(name) && name !== 'DroverError'
}

function givenNames(): string[] {
  const text = readFileSync(path.join(import.meta.dirname, 'given.ts'), 'utf8')
  return [...text.matchAll(/^export (?:declare (?:const|function)|interface) (\w+)/gm)].map(
    (match) => match[1] as string,
  )
}
