import { DroverError, type Operation } from '@drover/core'
import { compareCatalogs } from '../catalog/compare-catalogs.js'
import { type Read, readCatalog } from '../catalog/read-catalog.js'
import { ofTheApplication } from '../catalog/read-postgres.js'
import type { SchemaDatabase } from '../contracts/database.js'
import { statementsOf, tokensOf } from '../sql/tokens.js'
import type { Backup, BackupManifest } from './backup-manifest.js'
import { contentDifferences } from './contents.js'
import { copyIn } from './copy-stream.js'
import { postgresOf } from './native.js'
import { postgresContents, readSequences, rowsAsText } from './postgres-contents.js'
import { releaseLeases } from './release-leases.js'
import { readSqlFile } from './sql-file.js'
import { wipeSql } from './wipe-sql.js'

export interface LoadOptions {
  readonly replace?: boolean
  readonly terminate?: boolean
  readonly owners?: 'keep' | 'leave'
  readonly lockTimeoutMs?: number
  readonly tablePrefix?: string
}

/** Nothing of an application is there. Extensions and schemas do not count. */
export async function isEmptyPostgres(database: SchemaDatabase, operation: Operation): Promise<boolean> {
  const [row] = await database.query(
    `SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE ${ofTheApplication('n', 'pg_class', 'c.oid')})
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc AS f JOIN pg_catalog.pg_namespace AS n ON n.oid = f.pronamespace WHERE ${ofTheApplication('n', 'pg_proc', 'f.oid')})
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_type AS y JOIN pg_catalog.pg_namespace AS n ON n.oid = y.typnamespace WHERE ${ofTheApplication('n', 'pg_type', 'y.oid')}) AS empty`,
    [],
    operation,
  )
  return row?.empty === true
}

/**
 * Loads a dump in one transaction, and compares what is there then with its manifest before it commits.
 *
 * @throws `STORE_BUSY`, `BACKUP_INVALID`
 */
export async function loadDump(
  database: SchemaDatabase,
  { path, manifest }: Backup,
  { replace = false, terminate = false, owners = 'keep', lockTimeoutMs = 5000, tablePrefix = 'drover_' }: LoadOptions,
  operation: Operation,
): Promise<readonly string[]> {
  await using connection = await database.connect(operation)
  const postgres = postgresOf(connection)
  const notes: string[] = []
  if (terminate) notes.push(...(await terminateOthers((sql) => connection.query(sql))))
  await postgres.begin({ statementTimeoutMs: 0, lockTimeoutMs })
  try {
    if (replace) await postgres.exec(wipeSql, { doing: `dropping what is in ${database.name}` })
    await postgres.exec(
      `SET LOCAL search_path = ''; SET LOCAL "TimeZone" = 'UTC'; SET LOCAL check_function_bodies = off`,
    )
    for await (const part of readSqlFile(path)) {
      const doing = `restoring ${path} into ${database.name}`
      if (part.kind === 'rows') await copyIn(postgres, part.copy.sql, part.rows)
      else for (const sql of loadable(part.text, owners)) await postgres.exec(sql, { doing })
    }
    for (const [name, value] of Object.entries(rowsAsText)) await postgres.exec(`SET LOCAL "${name}" = '${value}'`)
    const read: Read = async (sql, values) => (await postgres.query(sql, values)).rows
    await refuseDifferent(postgres, read, manifest, path)
    const release = releaseLeases(manifest.catalog, tablePrefix)
    if (release !== null) await postgres.exec(release)
    await postgres.commit()
    return notes
  } catch (error) {
    if (!DroverError.isInstance(error, 'STORE_BUSY')) throw error
    await postgres.rollback()
    throw await busy(error, database, operation)
  } finally {
    await postgres.rollback()
  }
}

async function refuseDifferent(
  postgres: Parameters<typeof postgresContents>[0],
  read: Read,
  manifest: BackupManifest,
  path: string,
): Promise<void> {
  const catalog = await readCatalog(read, 'postgres')
  const values = new Map((await readSequences(read, catalog)).map((each) => [each.name, each.value]))
  const problems = [
    ...compareCatalogs(manifest.catalog, catalog).map(({ change, object, table, name, properties }) =>
      `${object} ${table === undefined ? '' : `${table}.`}${name} is ${change} ${properties.join(', ')}`.trim(),
    ),
    ...contentDifferences(manifest.tables, await postgresContents(postgres, catalog)),
    ...manifest.sequences.flatMap(({ name, value }) =>
      values.get(name) === value ? [] : [`the sequence ${name} is at ${values.get(name)} instead of ${value}`],
    ),
  ]
  if (problems.length === 0) return
  throw new DroverError(
    'BACKUP_INVALID',
    `What ${path} made is not what its manifest says: ${problems.slice(0, 10).join('; ')}. It was rolled back; the database is as before.`,
  )
}

/** Settings of a dump are for the session; here they are for the transaction, and time limits are ours. */
function loadable(text: string, owners: 'keep' | 'leave'): string[] {
  return statementsOf(text, 'postgres').flatMap((commented) => {
    const tokens = tokensOf(commented, 'postgres')
    const sql = commented.slice(tokens[0]?.start)
    const words = tokens.map(({ kind, value }) => (kind === 'word' ? value : ''))
    const [first, second = ''] = words
    if (first === undefined) return []
    if (first === 'set') return /timeout$/.test(second) ? [] : [sql.replace(/\bSET\b(?!\s+LOCAL)/i, 'SET LOCAL')]
    if (first === 'select' && words.includes('set_config')) return []
    if (first === 'create' && second === 'schema' && words[2] !== 'if')
      return [sql.replace(/\bCREATE SCHEMA\b/i, 'CREATE SCHEMA IF NOT EXISTS')]
    // Only its owner may say what an extension is.
    if (first === 'comment' && words[2] === 'extension') return []
    const isRight = ['grant', 'revoke'].includes(first) || (first === 'alter' && isOwnership(words))
    return isRight && owners === 'leave' ? [] : [sql]
  })
}

function isOwnership(words: readonly string[]): boolean {
  return words[1] === 'default' || words.slice(-3, -1).join(' ') === 'owner to'
}

const others = `FROM pg_catalog.pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_catalog.pg_backend_pid() AND backend_type = 'client backend'`

async function terminateOthers(query: (sql: string) => Promise<readonly object[]>): Promise<string[]> {
  const ended = await query(`SELECT pid, pg_catalog.pg_terminate_backend(pid) ${others}`)
  return ended.length === 0 ? [] : [`${ended.length} sessions of others were ended`]
}

async function busy(error: DroverError, database: SchemaDatabase, operation: Operation): Promise<DroverError> {
  const rows = await database.query(
    `SELECT pid, application_name AS name, state, coalesce(client_addr::text, 'local') AS address ${others} AND state <> 'idle' ORDER BY pid`,
    [],
    operation,
  )
  const who = rows.map(
    ({ pid, name, state, address }) => `${String(name)} from ${String(address)} (pid ${String(pid)}, ${String(state)})`,
  )
  const said = who.length === 0 ? '' : ` At work there: ${who.join('; ')}.`
  return new DroverError(
    'STORE_BUSY',
    `${database.name} could not be locked for the restore, and is as before.${said} Stop the application and call again, or have the sessions ended (terminate). ${error.message}`,
    { cause: error },
  )
}
