import { checkOptionNames, DroverError } from '@drover/core'
import type { IndexDefinition } from '../../contracts/schema-changes.js'
import type { Steps } from '../../contracts/steps.js'
import { quoteTable, quoteText } from '../../sql/quote.js'
import { indexSql } from '../index-sql.js'
import { saidBy } from './dependents.js'

/**
 * Builds an index while others write: CREATE INDEX CONCURRENTLY in PostgreSQL, which is only possible in a revision with `transaction: 'none'`. An
 * invalid index of that name, which an earlier attempt has left, is dropped first; a valid one with the same definition is enough. SQLite builds
 * a plain index.
 *
 * @throws `OPTION_INVALID` if there is another index of that name; `STORE_BUSY` while another process builds it; `REVISION_INVALID` in a transaction
 */
export async function concurrentIndex(steps: Steps, table: string, index: IndexDefinition): Promise<void> {
  const by = `concurrentIndex ${index.name}`
  checkOptionNames(by, index, ['name', 'columns', 'unique', 'where', 'using', 'include'])
  const isOutside = steps.dialect === 'postgres'
  const sql = indexSql(table, index, steps.dialect, { concurrently: true })
  // Within a transaction this is refused, and says so before it looks at anything.
  const isLooking = !steps.isPreview && !(isOutside && steps.isInTransaction)
  if (isLooking && (await isThere(steps, by, table, index))) return
  await steps.run(sql, { by, isOutside, isRepeatable: true })
  if (!isLooking || !isOutside) return
  const built = await lookUp(steps, table, index.name)
  if (built?.isValid === true) return
  throw new DroverError('CONDITION_FAILED', `${by}: the index was built and is not valid; call again to build it anew.`)
}

async function isThere(steps: Steps, by: string, table: string, index: IndexDefinition): Promise<boolean> {
  return steps.dialect === 'sqlite'
    ? await isInSqlite(steps, by, table, index)
    : await isInPostgres(steps, by, table, index)
}

async function isInSqlite(steps: Steps, by: string, table: string, index: IndexDefinition): Promise<boolean> {
  const [found] = await steps.read(
    `SELECT tbl_name AS "table", sql FROM sqlite_schema WHERE type = 'index' AND name = ${quoteText(index.name)} COLLATE NOCASE`,
  )
  if (found === undefined) return false
  // SQLite keeps the statement as it was written, but for the words before the name.
  const plain = (sql: unknown): string =>
    String(sql ?? '')
      .replace(/\bif\s+not\s+exists\b/i, '')
      .replaceAll(/["`[\]\s]+/g, '')
      .toLowerCase()
  if (plain(found.sql) === plain(indexSql(table, index, 'sqlite'))) return true
  throw another(by, `${String(found.table)}: ${String(found.sql ?? 'an index of a constraint')}`)
}

interface Found {
  /** As SQL names it. */
  readonly name: string
  readonly isValid: boolean
  readonly isOfTable: boolean
  readonly isBeingBuilt: boolean
  readonly sql: string
}

async function lookUp(steps: Steps, table: string, name: string): Promise<Found | undefined> {
  const text = quoteText(quoteTable(table), 'postgres')
  const [found] = await steps.read(
    `SELECT i.oid::regclass::text AS name, x.indisvalid AND x.indisready AS "isValid", x.indrelid = ${text}::regclass AS "isOfTable",
  pg_catalog.pg_get_indexdef(i.oid) AS sql, EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index AS p WHERE p.index_relid = i.oid) AS "isBeingBuilt"
FROM pg_catalog.pg_class AS i JOIN pg_catalog.pg_index AS x ON x.indexrelid = i.oid
WHERE i.relname = ${quoteText(name, 'postgres')} AND i.relnamespace = (SELECT relnamespace FROM pg_catalog.pg_class WHERE oid = ${text}::regclass)`,
  )
  return found as Found | undefined
}

async function isInPostgres(steps: Steps, by: string, table: string, index: IndexDefinition): Promise<boolean> {
  const found = await lookUp(steps, table, index.name)
  if (found === undefined) return false
  if (!found.isOfTable) throw another(by, found.sql)
  if (found.isValid) {
    const wanted = await definitionOf(steps, table, index)
    if (sameDefinition(found.sql, wanted)) return true
    throw another(by, found.sql)
  }
  if (found.isBeingBuilt) {
    throw new DroverError(
      'STORE_BUSY',
      `${by}: another process is building it at this moment. Wait until it has ended, and call again.`,
    )
  }
  await steps.run(`DROP INDEX CONCURRENTLY ${found.name}`, { by, isOutside: true, isRepeatable: true })
  steps.note(`${index.name} was invalid, left by an attempt that failed: it was dropped and is built anew.`)
  return false
}

/**
 * How PostgreSQL itself would write the index: `lower(name)` is `lower((name)::text)` there. It is made on an empty table like the one in question,
 * within a block that fails in order to say it, so that nothing stays.
 */
async function definitionOf(steps: Steps, table: string, index: IndexDefinition): Promise<string> {
  const sql = indexSql('pg_temp.drover_twin', index, 'postgres')
  const code = `DECLARE said text;
BEGIN
  CREATE TEMP TABLE drover_twin (LIKE ${quoteTable(table)}) ON COMMIT DROP;
  EXECUTE ${quoteText(sql, 'postgres')};
  SELECT pg_catalog.pg_get_indexdef(i.oid) INTO said FROM pg_catalog.pg_class AS i JOIN pg_catalog.pg_index AS x ON x.indexrelid = i.oid
    WHERE x.indrelid = 'pg_temp.drover_twin'::regclass AND i.relname = ${quoteText(index.name, 'postgres')};
  RAISE EXCEPTION 'drover: %', said;
END`
  try {
    await steps.read(`DO ${quoteText(code, 'postgres')}`)
  } catch (error) {
    const said = /drover: (.*)$/s.exec(saidBy(error))?.[1]
    if (said === undefined) throw error
    return said
  }
  throw new DroverError('UNEXPECTED', `The definition of ${index.name} could not be found out.`)
}

function sameDefinition(one: string, other: string): boolean {
  const parts = (sql: string): string => sql.replace(/^CREATE (UNIQUE )?INDEX .*? USING /s, '$1USING ')
  return parts(one) === parts(other)
}

function another(by: string, sql: string): DroverError {
  return new DroverError(
    'OPTION_INVALID',
    `${by}: there is an index of that name already, and it is another one (${sql}). Give this one another name, or drop that one before.`,
  )
}
