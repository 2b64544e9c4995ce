import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { DroverError } from '@drover/core'
import { missingPackage } from '../modules/missing-package.js'
import type { StoreType } from './store-type.js'

/** What a package exports. */
export type Exports = Readonly<Record<string, unknown>>

/**
 * Loads the package of a store: that of the project which the file belongs to, else one that is installed beside the command.
 *
 * @param type As the file calls the store.
 * @param lower What it lies upon: to be installed with it.
 * @throws `PACKAGE_MISSING` with what to install.
 */
export async function loadPackage(type: string, store: StoreType, folder: string, lower?: StoreType): Promise<Exports> {
  const name = store.package
  try {
    return (await import((await entryIn(folder, name)) ?? name)) as Exports
  } catch (error) {
    const missing = missingPackage(error)
    if (missing === undefined) throw DroverError.from(error, `loading ${name}`)
    const wanted = [store, ...(lower === undefined ? [] : [lower])]
      .flatMap(({ package: one, drivers = [] }) => [one, ...drivers])
      .join(' ')
    throw new DroverError(
      'PACKAGE_MISSING',
      `The store "${type}" needs the package ${missing}, which is not installed here. Install it: npm install ${wanted}`,
      { cause: error },
    )
  }
}

/**
 * The module that `import` would take in that folder: of a command that is installed elsewhere, its own import would not find the
 * project's packages, and `require` would find their other build. Undefined if there is none.
 */
export async function entryIn(folder: string, name: string): Promise<string | undefined> {
  const require = createRequire(path.join(path.resolve(folder), 'file.js'))
  let manifestFile: string
  try {
    manifestFile = require.resolve(`${name}/package.json`)
  } catch {
    return undefined // it is not there, or tells nobody where it is: the plain import says what is wrong
  }
  const manifest = JSON.parse(await readFile(manifestFile, 'utf8')) as { readonly exports?: unknown }
  const entry = conditional((manifest.exports as Exports | undefined)?.['.'])
  return entry === undefined ? undefined : pathToFileURL(path.join(path.dirname(manifestFile), entry)).href
}

/** https://nodejs.org/api/packages.html#conditional-exports: the first condition that holds. */
function conditional(target: unknown): string | undefined {
  if (typeof target === 'string') return target
  if (typeof target !== 'object' || target === null) return undefined
  for (const [condition, inner] of Object.entries(target)) {
    if (!conditions.includes(condition)) continue
    const found = conditional(inner)
    if (found !== undefined) return found
  }
  return undefined
}

/** With which this process was started, too: Drover's own packages have one for their sources. */
const conditions = [
  'node',
  'import',
  'module-sync',
  'default',
  ...[...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(' ')].flatMap((arg, i, all) => {
    const given = /^(?:--conditions|-C)(?:=(.+))?$/.exec(arg)
    return given === null ? [] : [given[1] ?? all[i + 1] ?? '']
  }),
]
