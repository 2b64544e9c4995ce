import { readdir } from 'node:fs/promises'
import { basename, extname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { checkOptionNames, checkText, DroverError, redactSecrets } from '@drover/core'
import type { Migration } from '../contracts/migration.js'
import { defineMigration } from '../migration/define-migration.js'
import { isMigration } from '../migration/is-migration.js'

/** Options of {@link loadMigrations}. */
export interface LoadOptions {
  /** Gives a module by its whole path, such as `tsx`'s `tsImport`. @default Node's own `import()` */
  readonly importModule?: (path: string) => Promise<unknown>
}

const extensions = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs']
const typescript = ['.ts', '.mts', '.cts']

/**
 * Loads the revisions of a folder: every `.ts`, `.js`, `.mjs` and `.cjs` file, each of which exports one as its default, in the order of their
 * names. Declarations, tests, and files whose name begins with `_` or `.` are left out. A file may also export several, in an array.
 *
 * Node 20 loads no TypeScript by itself: give `importModule`, start the program with `--import tsx`, or use the command `drover schema`,
 * which does.
 *
 * @throws `SOURCE_NOT_FOUND`, `REVISION_INVALID` with the file, `PACKAGE_MISSING`
 *
 * @example
 * const migrations = await loadMigrations('migrations')
 */
export async function loadMigrations(folder: string, options: LoadOptions = {}): Promise<readonly Migration[]> {
  const where = 'loadMigrations'
  checkText(where, 'folder', folder)
  checkOptionNames(where, options, ['importModule'])
  const { importModule = (path: string): Promise<unknown> => import(pathToFileURL(path).href) } = options
  const loaded: Migration[] = []
  for (const file of await filesOf(folder)) loaded.push(...(await load(file, importModule)))
  return loaded
}

async function filesOf(folder: string): Promise<readonly string[]> {
  try {
    const names = await readdir(folder)
    return names
      .filter(isRevisionFile)
      .sort()
      .map((name) => join(folder, name))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const remedy =
      code === 'ENOENT' ? 'There is no such folder; the path counts from where the program was started.' : String(code)
    throw new DroverError('SOURCE_NOT_FOUND', `The revisions in ${folder} cannot be read. ${remedy}`, { cause: error })
  }
}

function isRevisionFile(name: string): boolean {
  if (/^[._]/.test(name) || /\.d\.[cm]?ts$/.test(name) || /\.(test|spec)\.[cm]?[jt]s$/.test(name)) return false
  return extensions.includes(extname(name))
}

async function load(file: string, importModule: (path: string) => Promise<unknown>): Promise<readonly Migration[]> {
  const found = exported(await imported(file, importModule))
  const list = Array.isArray(found) ? found : [found]
  if (list.length === 0 || !list.every(isMigration)) {
    throw new DroverError(
      'REVISION_INVALID',
      `${file} exports no revision. Write: export default defineMigration({ id: '${basename(file, extname(file))}', up: … }). What is no revision gets a name that begins with "_", or another folder.`,
    )
  }
  try {
    return list.map(defineMigration)
  } catch (error) {
    if (!DroverError.isInstance(error)) throw error
    throw new DroverError(error.code, `${file}: ${error.message}`, { cause: error })
  }
}

async function imported(file: string, importModule: (path: string) => Promise<unknown>): Promise<unknown> {
  try {
    return await importModule(resolve(file))
  } catch (error) {
    if (typescript.includes(extname(file)) && isUnknownExtension(error)) {
      throw new DroverError(
        'PACKAGE_MISSING',
        `${file} is TypeScript, which Node ${process.versions.node} does not load by itself. Install tsx and start the program with "node --import tsx", or give importModule; the command "drover schema" does it by itself.`,
        { cause: error },
      )
    }
    const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    throw new DroverError('REVISION_INVALID', `${file} cannot be loaded: ${redactSecrets(said)}`, { cause: error })
  }
}

/** Node without types, and Node that strips types and meets some that cannot be stripped. */
function isUnknownExtension(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ERR_UNKNOWN_FILE_EXTENSION' || code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX'
}

/** The default export; of CommonJS that was compiled from a module it lies one deeper. */
function exported(module: unknown): unknown {
  const outer = (module as { readonly default?: unknown } | null)?.default
  if (isMigration(outer) || Array.isArray(outer)) return outer
  const inner = (outer as { readonly default?: unknown } | null | undefined)?.default
  return inner ?? outer
}
