import { type DatabaseContents, type DatabaseTable, DroverError, type ForeignKey } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { requireTable } from '../schema/read-table.js'
import { openRelation } from '../source/open-relation.js'
import { schemaOf } from '../source/relation.js'
import { readForeignKeys } from './foreign-keys.js'

interface RelationRow {
  readonly name: string
  readonly kind: 'r' | 'p' | 'f' | 'v' | 'm'
  readonly extension: string | null
  /** Other tables inherit from it, and reading it reads them. */
  readonly hasChildren: boolean
}

const whats = { f: 'a foreign table', v: 'a view', m: 'a materialized view' } as const

/** All tables of a schema but Drover's own. The parts of a partitioned table are read with it. */
export async function readContents(
  connection: PostgresConnection,
  schema: string,
  tablePrefix = 'drover_',
): Promise<DatabaseContents> {
  await requireSchema(connection, schema)
  const { rows } = await connection.query<RelationRow>(
    `SELECT c.relname AS name, c.relkind AS kind, e.extname AS extension,
       c.relkind = 'r' AND EXISTS (SELECT FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = c.oid) AS "hasChildren"
     FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
       LEFT JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
       LEFT JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
     WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'f', 'v', 'm') AND NOT c.relispartition AND NOT starts_with(c.relname, $2)
     ORDER BY c.relname`,
    [schema, tablePrefix],
  )
  const leftOut = rows.flatMap(({ name, kind, extension }) => {
    if (extension !== null) return [{ name, what: `part of the extension ${extension}` }]
    return kind === 'r' || kind === 'p' ? [] : [{ name, what: whats[kind] }]
  })
  const keys = await readForeignKeys(connection, schema)
  const tables: DatabaseTable[] = []
  for (const row of rows) {
    if (row.extension !== null || (row.kind !== 'r' && row.kind !== 'p')) continue
    const own = keys.filter(({ table }) => table === row.name)
    const notes = own
      .filter((key) => key.schema !== schema)
      .map(
        ({ key, schema: other }) =>
          `its foreign key (${key.columns.join(', ')}) to "${other}.${key.references}" is left out: only the schema "${schema}" is copied.`,
      )
    const foreignKeys = own.filter((key) => key.schema === schema).map(({ key }) => key)
    tables.push(await readOne(connection, schema, row, { foreignKeys, notes }))
  }
  return { tables, leftOut }
}

async function readOne(
  connection: PostgresConnection,
  schema: string,
  { name, hasChildren }: RelationRow,
  about: { readonly foreignKeys: readonly ForeignKey[]; readonly notes: readonly string[] },
): Promise<DatabaseTable> {
  const table = await requireTable(connection, `${schema}.${name}`)
  const { primaryKey: key, uniqueIndexes, columns } = table
  const uniqueKeys = uniqueIndexes
    .filter(({ isPrimary, isPartial }) => !isPrimary && !isPartial)
    .map((index) => index.columns)
    .filter((names): names is string[] => names.every((one) => one !== null))
  const counted = columns.find(({ sequence }) => sequence !== null)?.name
  const problems = hasChildren
    ? ['other tables inherit from it, whose rows come with its own and would come twice.']
    : []
  const common = { name, uniqueKeys, ...about, ...(counted === undefined ? {} : { counted }) }
  try {
    const relation = await openRelation(connection, { table: `${schema}.${name}` })
    return { ...common, key, schema: schemaOf(relation, 'text'), problems }
  } catch (error) {
    if (!DroverError.isInstance(error, 'KEY_INVALID')) throw error
    return { ...common, key, schema: { fields: [], key: [] }, problems: [...problems, error.message] }
  }
}

/** @throws `SOURCE_NOT_FOUND` */
async function requireSchema(connection: PostgresConnection, schema: string): Promise<void> {
  const { rows } = await connection.query('SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1', [schema])
  if (rows.length === 0) throw new DroverError('SOURCE_NOT_FOUND', `${connection.name} has no schema "${schema}".`)
}
