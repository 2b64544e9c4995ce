import { existsSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readManifest } from './packed.js'

/** What a package and all that it depends on put on the disk. */
export interface Weight {
  readonly files: readonly string[]
  readonly bytes: number
  /** Packages with a script that npm runs when it installs them. */
  readonly scripts: readonly string[]
}

/** Looks at a package of a project that npm has installed, and at its dependencies. */
export function weightOf(project: string, name: string): Weight {
  const folders = new Set<string>()
  const visit = (from: string, dependency: string): void => {
    const at = installed(from, dependency)
    if (folders.has(at)) return
    folders.add(at)
    for (const next of Object.keys(readManifest(join(at, 'package.json')).dependencies ?? {})) visit(at, next)
  }
  visit(project, name)
  const files = [...folders].flatMap((folder) => filesOf(folder))
  return {
    files,
    bytes: files.reduce((sum, file) => sum + statSync(file).size, 0),
    scripts: [...folders].filter((folder) => {
      const { scripts = {} } = readManifest(join(folder, 'package.json'))
      return ['preinstall', 'install', 'postinstall'].some((script) => script in scripts)
    }),
  }
}

/** As `require` looks for it, folder by folder upwards. */
function installed(from: string, name: string): string {
  const at = join(from, 'node_modules', name)
  if (existsSync(join(at, 'package.json'))) return at
  const above = dirname(from)
  if (above === from) throw new Error(`${name} is not installed`)
  return installed(above, name)
}

/** Without what other packages keep below it. */
function filesOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const at = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesOf(at)
    return [at]
  })
}
