import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '../../..')

/** The parts of a package.json that the checks look at. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly exports: Record<string, Record<string, unknown> | string>
  readonly dependencies?: Record<string, string>
  readonly peerDependencies?: Record<string, string>
  readonly peerDependenciesMeta?: Record<string, { readonly optional?: boolean }>
  readonly scripts?: Record<string, string>
}

/** A published package as it stands in the workspace. */
export interface Member {
  readonly folder: string
  readonly manifest: Manifest
}

export function publishedPackages(): Member[] {
  return readdirSync(join(root, 'packages'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(root, 'packages', entry.name))
    .map((folder) => ({ folder, manifest: readManifest(join(folder, 'package.json')) }))
}

export function readManifest(file: string): Manifest {
  return JSON.parse(readFileSync(file, 'utf8')) as Manifest
}

/** Builds what is out of date, packs every package as the registry would get it, and gives what `npm run pack` prints. */
export function packAll(target: string): string {
  execFileSync(process.execPath, ['scripts/bootstrap.mjs', '--build'], { cwd: root, stdio: 'pipe' })
  return execFileSync(process.execPath, ['scripts/pack.mjs', target], { cwd: root, stdio: 'pipe', encoding: 'utf8' })
}

export function tarballOf({ manifest }: Member, target: string): string {
  return join(target, `${manifest.name.slice(1).replace('/', '-')}-${manifest.version}.tgz`)
}

/** A package that only ES modules can load has no `require` condition. */
export function hasRequire({ manifest }: Member): boolean {
  return JSON.stringify(manifest.exports).includes('"require"')
}
