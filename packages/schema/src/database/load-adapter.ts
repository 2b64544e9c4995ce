import { DroverError } from '@drover/core'

/** The packages that the databases lie upon. Each is loaded when a database of its kind is opened. */
const packages = {
  postgres: ['@drover/adapter-postgres', 'pg', () => import('@drover/adapter-postgres')],
  sqlite: ['@drover/adapter-sqlite', 'better-sqlite3', () => import('@drover/adapter-sqlite')],
} as const

type Packages = typeof packages

/** @throws `PACKAGE_MISSING`, with what to install. */
export async function loadAdapter<D extends keyof Packages>(dialect: D): Promise<Awaited<ReturnType<Packages[D][2]>>> {
  const [name, driver, load] = packages[dialect]
  try {
    return (await load()) as Awaited<ReturnType<Packages[D][2]>>
  } catch (cause) {
    const said = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause)
    throw new DroverError(
      'PACKAGE_MISSING',
      `Migrations of a ${dialect === 'postgres' ? 'PostgreSQL' : 'SQLite'} database need the package ${name}, which cannot be loaded (${said}): npm install ${name} ${driver}.`,
      { cause },
    )
  }
}
