import { randomBytes } from 'node:crypto'
import { DroverError, type Operation, type Row } from '@drover/core'
import { readCatalog } from '../catalog/read-catalog.js'
import type { Catalog } from '../contracts/catalog.js'
import type { SchemaConnection, SchemaDatabase } from '../contracts/database.js'
import { openDatabase } from '../database/open-database.js'
import { quoteName } from '../sql/quote.js'
import { tokensOf } from '../sql/tokens.js'

/** A statement that makes something, and what it makes. */
export interface Making {
  readonly what: string
  readonly sql: string
}

/**
 * Makes a schema where it disturbs nobody and nothing of it stays, and reads it back: so types, defaults and expressions are in the database's own
 * words. SQLite does it in memory, PostgreSQL in schemas of their own in a transaction that is rolled back.
 *
 * @param whose For messages: `the models`.
 * @throws `OPTION_INVALID`: it cannot be made; `STORE_DENIED`: PostgreSQL lets the role make no schema
 */
export async function scratchCatalog(
  database: SchemaDatabase,
  making: readonly Making[],
  whose: string,
  operation: Operation,
): Promise<Catalog> {
  return database.dialect === 'sqlite'
    ? await inMemory(making, whose, operation)
    : await inScratchSchemas(database, making, whose, operation)
}

async function inMemory(making: readonly Making[], whose: string, operation: Operation): Promise<Catalog> {
  await using database = await openDatabase(':memory:')
  await using connection = await database.connect(operation)
  await connection.exec('PRAGMA foreign_keys = OFF')
  await make(connection, making, whose)
  return await readCatalog((sql, values) => connection.query(sql, values), 'sqlite')
}

const lockTimeoutMs = 5000

async function inScratchSchemas(
  database: SchemaDatabase,
  making: readonly Making[],
  whose: string,
  operation: Operation,
): Promise<Catalog> {
  await using connection = await database.connect(operation)
  await connection.begin({ lockTimeoutMs })
  try {
    const names = await ScratchNames.of(connection, making)
    await names.create(connection)
    await make(
      connection,
      making.map(({ what, sql }) => ({ what, sql: names.into(sql) })),
      whose,
    )
    const catalog = await readCatalog((sql, values) => connection.query(sql, values), 'postgres')
    return await names.only(connection, catalog)
  } finally {
    await connection.rollback()
  }
}

async function make(connection: SchemaConnection, making: readonly Making[], whose: string): Promise<void> {
  for (const { what, sql } of making) {
    try {
      await connection.exec(sql)
    } catch (error) {
      if (DroverError.isInstance(error) && error.isRetryable) throw error
      const said = error instanceof Error ? error.message : String(error)
      throw new DroverError('OPTION_INVALID', `${whose}: ${what} cannot be made. ${said}`, { cause: error })
    }
  }
}

/** Schemas that stand in for real ones. */
class ScratchNames {
  private constructor(
    /** What unqualified names mean. */
    private readonly main: { readonly scratch: string; readonly real: string; readonly path: readonly string[] },
    /** Of other schemas, by the real name. */
    private readonly others: ReadonlyMap<string, string>,
  ) {}

  static async of(connection: SchemaConnection, making: readonly Making[]): Promise<ScratchNames> {
    const [row] = await connection.query('SELECT pg_catalog.to_json(pg_catalog.current_schemas(false)) AS path')
    const path = Array.isArray(row?.path) ? row.path.map(String) : []
    const scratch = `drover_draft_${randomBytes(4).toString('hex')}`
    const said = new Set(making.flatMap(({ sql }) => qualifiers(sql)))
    const known = await connection.query('SELECT nspname::text AS name FROM pg_catalog.pg_namespace')
    const others = known
      .map(({ name }) => String(name))
      .filter((name) => said.has(name) && !path.includes(name) && !/^pg_|^information_schema$/.test(name))
    // A schema that only a declared table speaks of.
    for (const { sql } of making) {
      const created = /^\s*CREATE (?:TABLE|TYPE|VIEW) "((?:[^"]|"")+)"\."/i.exec(sql)?.[1]?.replaceAll('""', '"')
      if (created !== undefined && !path.includes(created) && !others.includes(created)) others.push(created)
    }
    return new ScratchNames(
      { scratch, real: path[0] ?? 'public', path },
      new Map(others.map((name, place) => [name, `${scratch}_${place}`])),
    )
  }

  async create(connection: SchemaConnection): Promise<void> {
    const { scratch, path } = this.main
    try {
      for (const name of [scratch, ...this.others.values()]) await connection.run(`CREATE SCHEMA ${quoteName(name)}`)
    } catch (error) {
      if (!DroverError.isInstance(error, 'STORE_DENIED')) throw error
      throw new DroverError(
        'STORE_DENIED',
        `The role that connects to ${connection.name} may not make a schema, and what is declared is made in one, in a transaction that is rolled back, to be compared in the database's own words. As its owner: GRANT CREATE ON DATABASE … TO the role; or give scratch, a database where it may.`,
        { cause: error },
      )
    }
    await connection.run(`SET LOCAL search_path = ${[scratch, ...path].map(quoteName).join(', ')}`)
  }

  /** Real names in SQL become those that stand in for them. */
  into(sql: string): string {
    let changed = ''
    let end = 0
    const tokens = tokensOf(sql, 'postgres')
    for (const [at, token] of tokens.entries()) {
      if (!isQualifier(tokens, at)) continue
      const scratch = this.main.path.includes(token.value) ? this.main.scratch : this.others.get(token.value)
      if (scratch === undefined) continue
      changed += sql.slice(end, token.start) + quoteName(scratch)
      end = token.end
    }
    return changed + sql.slice(end)
  }

  /** What was made, under its real names. */
  async only(connection: SchemaConnection, catalog: Catalog): Promise<Catalog> {
    const { scratch } = this.main
    const rows = await connection.query(
      `SELECT n.nspname::text AS schema, o.name FROM pg_catalog.pg_namespace AS n JOIN (
  SELECT relnamespace AS id, relname::text AS name FROM pg_catalog.pg_class UNION ALL SELECT typnamespace, typname::text FROM pg_catalog.pg_type
) AS o ON o.id = n.oid WHERE n.nspname = ANY ($1)`,
      [[scratch, ...this.others.values()]],
    )
    const made = new Set(rows.map((row: Row) => (row.schema === scratch ? `${row.name}` : `${row.schema}.${row.name}`)))
    const isMade = ({ name }: { readonly name: string }): boolean => made.has(name)
    return this.#back({
      ...catalog,
      tables: catalog.tables.filter(isMade),
      views: catalog.views.filter(isMade),
      triggers: catalog.triggers.filter(({ table }) => made.has(table)),
      enums: catalog.enums.filter(isMade),
      sequences: catalog.sequences.filter(isMade),
      others: [],
    })
  }

  #back(catalog: Catalog): Catalog {
    const pairs = [...[...this.others].map(([real, scratch]) => [scratch, real] as const)]
    // The longer names first: the main one is how they begin.
    pairs.push([this.main.scratch, this.main.real])
    const text = (value: string, isSql: boolean): string =>
      pairs.reduce(
        (left, [scratch, real]) =>
          left.replaceAll(scratch, isSql && !/^[a-z_][a-z0-9_]*$/.test(real) ? quoteName(real) : real),
        value,
      )
    const visit = (value: unknown, key: string): unknown => {
      if (typeof value === 'string') return text(value, sqlKeys.includes(key))
      if (Array.isArray(value)) return value.map((each) => visit(each, key))
      if (typeof value !== 'object' || value === null) return value
      return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, visit(each, name)]))
    }
    return visit(catalog, '') as Catalog
  }
}

/** Of a catalog: what is SQL, and no name. */
const sqlKeys = ['sql', 'expression', 'default', 'type', 'where', 'keys']

function qualifiers(sql: string): string[] {
  const tokens = tokensOf(sql, 'postgres')
  return tokens.filter((_, at) => isQualifier(tokens, at)).map(({ value }) => value)
}

/** A name with a dot behind it, and none in front. */
function isQualifier(tokens: ReturnType<typeof tokensOf>, at: number): boolean {
  const token = tokens[at]
  if (token?.kind !== 'name' && token?.kind !== 'word') return false
  return tokens[at + 1]?.value === '.' && tokens[at - 1]?.value !== '.'
}
