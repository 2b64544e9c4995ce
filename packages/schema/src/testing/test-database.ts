import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { checkOptionNames, checkText, DroverError, type Row } from '@drover/core'
import { readCatalog, withoutTables } from '../catalog/read-catalog.js'
import type { Catalog } from '../contracts/catalog.js'
import type { SchemaConnection, SchemaDatabase } from '../contracts/database.js'
import type { Dialect } from '../contracts/migration.js'
import { openDatabase } from '../database/open-database.js'

/** Where a test's database is made. */
export type TestDatabaseOptions =
  /** In a file of a temporary folder. */
  | { readonly dialect: 'sqlite'; readonly driver?: 'better-sqlite3' | 'sqlite3' }
  /** On a server whose user may create databases: `postgres://…`. Nothing of its other databases is touched. */
  | { readonly dialect: 'postgres'; readonly server: string }

/** A database that a test has made for itself, and that is gone when it is disposed of. */
export interface TestDatabase extends AsyncDisposable {
  readonly dialect: Dialect
  /** Its URL or path: the `connection` of a migrator. */
  readonly location: string
  /** One statement of any kind; rows as objects, placeholders as the database has them. */
  query(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>
  /** Empties it: as it was when it was made. Connections of others are cut. */
  reset(): Promise<void>
}

const made = new WeakSet<TestDatabase>()

/**
 * Makes an empty database. The checks of this package take no other one: none of them can be run on a database that somebody needs.
 *
 * @throws `OPTION_INVALID`, `STORE_DENIED` (the user may not create databases), `STORE_UNAVAILABLE`
 *
 * @example
 * await using database = await testDatabase({ dialect: 'sqlite' })
 */
export async function testDatabase(options: TestDatabaseOptions): Promise<TestDatabase> {
  const where = 'testDatabase'
  if (options?.dialect === 'sqlite') {
    checkOptionNames(where, options, ['dialect', 'driver'])
    const folder = await mkdtemp(path.join(tmpdir(), 'drover-schema-test-'))
    const { driver } = options
    const filename = path.join(folder, 'test.db')
    const location = driver === undefined ? filename : { filename, driver }
    return add(
      new OwnDatabase('sqlite', filename, () => openDatabase(location, { where }), {
        empty: async () =>
          void (await Promise.all(
            ['', '-wal', '-shm', '-journal'].map((end) => rm(`${filename}${end}`, { force: true })),
          )),
        remove: () => rm(folder, { recursive: true, force: true }),
      }),
    )
  }
  if (options?.dialect !== 'postgres')
    throw new DroverError('OPTION_INVALID', `${where}: dialect is 'sqlite' or 'postgres'.`)
  checkOptionNames(where, options, ['dialect', 'server'])
  checkText(where, 'server', options.server)
  const name = `drover_test_${randomBytes(6).toString('hex')}`
  const url = new URL(options.server)
  url.pathname = `/${name}`
  const onServer = async (...statements: readonly string[]): Promise<void> => {
    await using server = await openDatabase(options.server, { where })
    await using connection = await server.connect({ signal: new AbortController().signal })
    for (const statement of statements) await connection.exec(statement)
  }
  const drop = `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`
  await onServer(`CREATE DATABASE ${name}`)
  return add(
    new OwnDatabase('postgres', url.href, () => openDatabase(url.href, { where }), {
      empty: () => onServer(drop, `CREATE DATABASE ${name}`),
      remove: () => onServer(drop),
    }),
  )
}

/** @throws `OPTION_INVALID` for a database that was not made for a test */
export function checkTestDatabase(where: string, database: TestDatabase): void {
  if (made.has(database)) return
  throw new DroverError(
    'OPTION_INVALID',
    `${where}: database is what testDatabase() has made. It is emptied and filled by the check, so no other one is taken.`,
  )
}

/** The schema without what Drover keeps there itself. */
export async function testCatalog(database: TestDatabase): Promise<Catalog> {
  const catalog = await readCatalog((sql, values) => database.query(sql, values), database.dialect)
  return withoutTables(catalog, (table) => /^drover_/.test(table))
}

function add(database: TestDatabase): TestDatabase {
  made.add(database)
  return database
}

class OwnDatabase implements TestDatabase {
  #open: Promise<{ readonly database: SchemaDatabase; readonly connection: SchemaConnection }> | undefined

  /** Works also when it is taken out of the object. */
  readonly query = async (sql: string, values: readonly unknown[] = []): Promise<readonly Row[]> => {
    this.#open ??= this.#connect()
    const { connection } = await this.#open
    return await connection.query(sql, values)
  }

  constructor(
    readonly dialect: Dialect,
    readonly location: string,
    private readonly open: () => Promise<SchemaDatabase>,
    private readonly place: { readonly empty: () => Promise<void>; readonly remove: () => Promise<void> },
  ) {}

  async reset(): Promise<void> {
    await this.#close()
    await this.place.empty()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close()
    await this.place.remove()
  }

  async #connect(): Promise<{ readonly database: SchemaDatabase; readonly connection: SchemaConnection }> {
    const database = await this.open()
    return { database, connection: await database.connect({ signal: new AbortController().signal }) }
  }

  async #close(): Promise<void> {
    const open = await this.#open
    this.#open = undefined
    await open?.connection[Symbol.asyncDispose]()
    await open?.database[Symbol.asyncDispose]()
  }
}
