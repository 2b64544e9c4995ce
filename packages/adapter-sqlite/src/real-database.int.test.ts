import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ndjsonSink, ndjsonSource, type RecordSchema, runPipeline, type Source } from '@drover/core'
import { describe, expect, it } from 'vitest'
import { quoteName } from './connection/quote-name.js'
import type { SqliteConnection } from './connection/sqlite-connection.js'
import { sqliteSink } from './sink/sqlite-sink.js'
import { sqliteSource } from './source/sqlite-source.js'
import { drivers, TestDatabase } from './testing/test-database.js'

/** Any SQLite database: `DROVER_TEST_DATABASE=<path> npx vitest run --project adapter-sqlite real-database`. */
const database = process.env.DROVER_TEST_DATABASE
const operation = { signal: new AbortController().signal }

if (database === undefined) {
  console.warn('Skipped: the round trip of a real database. Set DROVER_TEST_DATABASE to the path of one.')
} else if (!existsSync(database)) {
  throw new Error(`DROVER_TEST_DATABASE names ${database}, which is not there.`)
}

describe.skipIf(database === undefined)('a real database', () => {
  for (const driver of drivers) {
    it(`comes through NDJSON and through SQLite equal by value and storage class, with ${driver}`, {
      timeout: 300_000,
    }, async () => {
      await using test = new TestDatabase(driver, 'original.db')
      copyFileSync(database as string, test.file)
      const original = { filename: test.file, driver }
      const copy = { filename: join(test.folder, 'copy.db'), driver, foreignKeys: false }
      const imported = { filename: join(test.folder, 'imported.db'), driver, foreignKeys: false }
      const tables = await tablesOf(test)
      expect(tables.length).toBeGreaterThan(0)
      for (const table of tables) {
        const source = sqliteSource({ ...original, table })
        const schema = await schemaOf(source)
        const key =
          schema.key.length > 0 && schema.key.every((name) => schema.fields.some((field) => field.name === name))
            ? { key: schema.key }
            : {}
        await runPipeline({ name: `copy ${table}`, source, sink: sqliteSink({ ...copy, table, ...key }) })
        const path = join(test.folder, 'export', `${encodeURIComponent(table)}.ndjson`)
        await runPipeline({ name: `export ${table}`, source, sink: ndjsonSink({ path }) })
        await runPipeline({
          name: `import ${table}`,
          source: ndjsonSource({ path, schema }),
          sink: sqliteSink({ ...imported, table, ...key }),
        })
        const again = `${path}.again`
        await runPipeline({
          name: `again ${table}`,
          source: sqliteSource({ filename: copy.filename, driver, table, ...key }),
          sink: ndjsonSink({ path: again }),
        })
        expect(sortedLines(again), `export of the copy of ${table}`).toEqual(sortedLines(path))
      }
      await using connection = await test.open()
      for (const [name, filename] of [
        ['copy', copy.filename],
        ['imported', imported.filename],
      ] as const) {
        await connection.run('attach ? as other', [filename])
        for (const table of tables)
          expect(await differences(connection, table), `${name} ${table}`).toEqual({
            missing: 0,
            extra: 0,
            rows: 'same',
          })
        await connection.exec('detach other')
      }
    })
  }
})

async function tablesOf(test: TestDatabase): Promise<string[]> {
  const rows = await test.exact(
    `select name from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\' and sql not like 'create virtual%'`,
  )
  return rows.map(([name]) => String(name))
}

async function schemaOf(source: Source): Promise<RecordSchema> {
  await using session = await source.connect(operation)
  return await session.describe(operation)
}

/** Rows of one side that the other does not have, their storage classes among what is compared. */
async function differences(
  connection: SqliteConnection,
  table: string,
): Promise<{ missing: unknown; extra: unknown; rows: string }> {
  const columns = await connection.all(`select name from pragma_table_info(?)`, [table])
  const values = columns
    .map(([column]) => `${quoteName(String(column))}, typeof(${quoteName(String(column))})`)
    .join(', ')
  const ours = `select ${values} from main.${quoteName(table)}`
  const theirs = `select ${values} from other.${quoteName(table)}`
  const count = async (sql: string): Promise<unknown> => (await connection.get(`select count(*) from (${sql})`))?.[0]
  return {
    missing: await count(`${ours} except ${theirs}`),
    extra: await count(`${theirs} except ${ours}`),
    rows: (await count(ours)) === (await count(theirs)) ? 'same' : 'another number',
  }
}

/** A copy need not have the collation that led the original's key. */
function sortedLines(file: string): string[] {
  return readFileSync(file, 'utf8').split('\n').sort()
}
