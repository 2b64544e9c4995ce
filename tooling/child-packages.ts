import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { buildModules, writeWhole } from './esbuild.js'

interface Manifest {
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, unknown>>>>
  readonly dependencies?: object
  readonly peerDependencies?: object
  readonly devDependencies?: object
}

const packages = path.resolve(import.meta.dirname, '../packages')
const made = new Set<string>()

/**
 * A package and those of ours that it depends on, each made of its sources into a file per entry, and tied to each other as if they were
 * installed: for a program that imports packages by names which it learns while it runs. Gives the folder, where the `programs` are too,
 * each by its name. What they need of others they find where the sources find it.
 */
export function childPackages(member: string, programs: Readonly<Record<string, string>> = {}): string {
  const folder = folderOf(member)
  if (made.has(member)) return folder
  made.add(member)
  const home = path.join(packages, member)
  const { exports, ...manifest } = JSON.parse(readFileSync(path.join(home, 'package.json'), 'utf8')) as Manifest
  const entries = Object.entries(exports).flatMap(([name, target]) => {
    const source = typeof target === 'string' ? undefined : target['@drover/source']
    return typeof source === 'string' ? [{ name, file: name === '.' ? 'index' : name.slice(2), source }] : []
  })
  const scope = path.join(folder, 'node_modules/@drover')
  mkdirSync(scope, { recursive: true })
  buildModules({
    entryPoints: { ...Object.fromEntries(entries.map(({ file, source }) => [file, source])), ...programs },
    absWorkingDir: home,
    outdir: folder,
    packages: 'external',
  })
  const built = Object.fromEntries(entries.map(({ name, file }) => [name, `./${file}.js`]))
  const text = JSON.stringify({ ...manifest, exports: { ...built, './package.json': './package.json' } })
  writeWhole(path.join(folder, 'package.json'), text)
  // What threads of their own run stands beside what starts them.
  for (const file of readdirSync(path.join(home, 'src'), { recursive: true, encoding: 'utf8' }))
    if (file.endsWith('.mjs'))
      writeWhole(path.join(folder, path.basename(file)), readFileSync(path.join(home, 'src', file)))
  for (const needed of membersIn(manifest)) {
    childPackages(needed)
    link(folderOf(needed), path.join(scope, needed))
  }
  return folder
}

/** Beneath the `node_modules` of its package, where it finds what that one depends on. */
function folderOf(member: string): string {
  return path.join(packages, member, 'node_modules/.drover-children/package')
}

function membersIn({ dependencies, peerDependencies, devDependencies }: Omit<Manifest, 'exports'>): readonly string[] {
  return Object.keys({ ...dependencies, ...peerDependencies, ...devDependencies })
    .filter((name) => name.startsWith('@drover/'))
    .map((name) => name.slice('@drover/'.length))
}

function link(target: string, file: string): void {
  try {
    symlinkSync(target, file)
  } catch (error) {
    // Of an earlier time, or another process's.
    if (!existsSync(file)) throw error
  }
}
