import { memorySource, type Row, runPipeline } from '@drover/core'
import { describe, expect, it } from 'vitest'
import { sqliteSink } from '../sink/sqlite-sink.js'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { sqliteStateStore } from './sqlite-state-store.js'

/** As the first version made them. */
const first = `
  CREATE TABLE drover_meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);
  CREATE TABLE drover_runs (
    ordinal INTEGER PRIMARY KEY, run TEXT NOT NULL UNIQUE, name TEXT NOT NULL, fingerprint TEXT NOT NULL, partitions TEXT NOT NULL,
    status TEXT NOT NULL, started_at INTEGER NOT NULL, completed_at INTEGER, outcome TEXT, control TEXT NOT NULL);
  CREATE INDEX drover_runs_by_name ON drover_runs (name, ordinal);
  CREATE TABLE drover_partitions (
    ordinal INTEGER PRIMARY KEY, run TEXT NOT NULL, "partition" TEXT NOT NULL, bounds TEXT NOT NULL, start TEXT, fence INTEGER NOT NULL,
    sequence INTEGER NOT NULL DEFAULT 0, cursor TEXT, done INTEGER NOT NULL DEFAULT 0, counts TEXT, holder TEXT, expires_at INTEGER,
    UNIQUE (run, "partition"));
  INSERT INTO drover_meta VALUES ('version', '1')`

describe.each(drivers)("Drover's tables over %s", (driver) => {
  const operation = { signal: new AbortController().signal }

  it('of the first version are upgraded once by all who come, and a run goes on in them where it stood', async () => {
    await using database = new TestDatabase(driver)
    await database.exec('CREATE TABLE t (id INTEGER PRIMARY KEY)')
    const filename = database.file
    const run = (records: number) =>
      runPipeline({
        name: 'a',
        source: memorySource<Row>({ records: Array.from({ length: 20 }, (_, i) => ({ id: i + 1 })), key: 'id' }),
        sink: sqliteSink({ filename, driver, table: 't' }),
        batchSize: 5,
        stopAfter: { records },
      })
    await run(10)
    const runs = 'ordinal, run, name, fingerprint, partitions, status, started_at, completed_at, outcome, control'
    const partitions =
      'ordinal, run, "partition", bounds, start, fence, sequence, cursor, done, counts, holder, expires_at'
    await database.exec(`
      ALTER TABLE drover_runs RENAME TO runs_now; ALTER TABLE drover_partitions RENAME TO partitions_now;
      DROP INDEX drover_runs_by_name; DROP TABLE drover_meta; ${first};
      INSERT INTO drover_runs SELECT ${runs} FROM runs_now; INSERT INTO drover_partitions SELECT ${partitions} FROM partitions_now;
      DROP TABLE runs_now; DROP TABLE partitions_now`)
    const stores = Array.from({ length: 4 }, () => sqliteStateStore({ filename, driver }))
    await Promise.all(stores.map((store) => store.setup?.(operation)))
    await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()))
    expect(Number(await database.value('SELECT value FROM drover_meta'))).toBeGreaterThan(1)
    const report = await run(100)
    expect(report).toMatchObject({ status: 'completed', counts: { read: 20, inserted: 20 } })
    expect(report.attempt).toMatchObject({ resumed: true, counts: { read: 10 } })
  })
})
