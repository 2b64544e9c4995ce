import { renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/** What this uses of esbuild, the one that tsup brings. */
interface Esbuild {
  buildSync(options: object): {
    readonly outputFiles: readonly { readonly path: string; readonly contents: Uint8Array }[]
  }
}

/** Modules for Node from the sources of all members, written whole: another process may make or load the same at the same time. */
export function buildModules(options: object): void {
  const esbuild = createRequire(createRequire(import.meta.url).resolve('tsup'))('esbuild') as Esbuild
  const { outputFiles } = esbuild.buildSync({
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    conditions: ['@drover/source'],
    logLevel: 'silent',
    write: false,
    ...options,
  })
  for (const { path, contents } of outputFiles) writeWhole(path, contents)
}

/** Never half there. */
export function writeWhole(file: string, content: string | Uint8Array): void {
  const part = `${file}.${process.pid}`
  writeFileSync(part, content)
  renameSync(part, file)
}
