import { stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { DroverError, suggestNames } from '@drover/core'
import { missingPackage } from './missing-package.js'

/** An export of a module of the user's, as a file or a command line names it: `./steps.ts#shorten`. */
export interface LoadedExport {
  /** As it was named. */
  readonly reference: string
  readonly value: unknown
}

/**
 * Loads a module of the user's, TypeScript too, and gives one of its exports: the one behind `#`, else the default one.
 *
 * @param folder That a relative path starts from.
 * @throws `SOURCE_NOT_FOUND`, `NAME_UNKNOWN` (the export), `PACKAGE_MISSING` (that it imports), and whatever the module throws.
 */
export async function loadExport(reference: string, folder: string): Promise<LoadedExport> {
  const [specifier = '', name = 'default'] = reference.split('#', 2)
  const exports = unwrapped(await imported(await urlOf(specifier, folder), specifier))
  if (Object.hasOwn(exports, name)) return { reference, value: exports[name] }
  const known = Object.keys(exports)
  throw new DroverError(
    'NAME_UNKNOWN',
    name === 'default'
      ? `${specifier} has no default export; name one behind a #${suggestNames(name, known)}`
      : `${specifier} exports no "${name}"${suggestNames(name, known)}`,
  )
}

/** A module of the user's by its whole path, TypeScript too. What it throws is not wrapped. */
export async function importFile(file: string): Promise<Record<string, unknown>> {
  return importUrl(pathToFileURL(file).href)
}

async function importUrl(url: string): Promise<Record<string, unknown>> {
  if (/\.[cm]?tsx?$/.test(url)) await understandTypeScript()
  return (await import(url)) as Record<string, unknown>
}

async function imported(url: string, specifier: string): Promise<Record<string, unknown>> {
  try {
    return await importUrl(url)
  } catch (error) {
    const missing = missingPackage(error)
    if (missing === undefined) throw DroverError.from(error, `${specifier} cannot be loaded`)
    const message = `${specifier} needs the package ${missing}, which is not installed there. Install it: npm install ${missing}`
    throw new DroverError('PACKAGE_MISSING', message, { cause: error })
  }
}

/** A module of CommonJS, and so a TypeScript file without `"type": "module"`, has its exports in the default one. */
function unwrapped(exports: Record<string, unknown>): Record<string, unknown> {
  const inner = exports.default
  const isCommonJs = typeof inner === 'object' && inner !== null && '__esModule' in inner
  return isCommonJs ? { ...exports, ...(inner as Record<string, unknown>) } : exports
}

/** A path, by its beginning or its end; else the name of a package of the project's. */
async function urlOf(specifier: string, folder: string): Promise<string> {
  const isPath = /^\.{0,2}[/\\]|^[a-z]:[/\\]|\.[cm]?[jt]sx?$/i.test(specifier)
  if (!isPath) {
    try {
      return pathToFileURL(createRequire(path.join(path.resolve(folder), 'file.js')).resolve(specifier)).href
    } catch (cause) {
      const hint = 'A file of your own begins with ./'
      throw new DroverError('SOURCE_NOT_FOUND', `There is no package "${specifier}" here. ${hint}`, { cause })
    }
  }
  const file = path.resolve(folder, specifier)
  const found = await stat(file).catch(() => undefined)
  if (found?.isFile() === true) return pathToFileURL(file).href
  throw new DroverError('SOURCE_NOT_FOUND', `There is no file ${specifier} (${file}).`)
}

let typeScript: Promise<void> | undefined

/** From here on `import` takes TypeScript, with the same modules as everybody else's: no second copy of Drover is loaded. */
function understandTypeScript(): Promise<void> {
  typeScript ??= (async () => {
    const [esm, cjs] = await Promise.all([import('tsx/esm/api'), import('tsx/cjs/api')])
    esm.register()
    cjs.register()
  })()
  return typeScript
}
