import { join } from 'node:path'
import { memoryAckSink, memorySource, runPipeline, type Source } from '@drover/core'
import { describe, expect, it } from 'vitest'
import { sqliteSource } from '../source/sqlite-source.js'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { sqliteSink } from './sqlite-sink.js'

const records = Array.from({ length: 470 }, (_, i) => ({ id: i + 1, parent: (i % 50) + 1, name: `name ${i % 462}` }))

const refusing = (raise: string): string =>
  `CREATE TRIGGER no BEFORE INSERT ON t WHEN NEW.id = 444 BEGIN SELECT RAISE(${raise}, 'no'); END`
const table = (columns: string): string => `DROP TABLE t; CREATE TABLE t (${columns}`

/** Tables that refuse, leave out or change some of these records. */
const targets: readonly (readonly [string, string])[] = [
  ['nothing in the way', ''],
  ['a CHECK', `ALTER TABLE t ADD small INTEGER CHECK (id <> 333)`],
  ['a unique index', 'CREATE UNIQUE INDEX names ON t (name)'],
  ['a partial unique index', 'CREATE UNIQUE INDEX names ON t (name) WHERE id > 2'],
  ['a unique index over an expression', 'CREATE UNIQUE INDEX names ON t (upper(name))'],
  ['foreign keys', 'DELETE FROM parents WHERE id = 17'],
  [
    'a trigger that leaves rows out',
    'CREATE TRIGGER no BEFORE INSERT ON t WHEN NEW.id % 100 = 0 BEGIN SELECT RAISE(IGNORE); END',
  ],
  ['a trigger with RAISE(ABORT)', refusing('ABORT')],
  ['a trigger with RAISE(FAIL)', refusing('FAIL')],
  ['a trigger with RAISE(ROLLBACK)', refusing('ROLLBACK')],
  [
    'a trigger with a clause of its own',
    'CREATE TRIGGER log BEFORE INSERT ON t BEGIN INSERT OR IGNORE INTO parents VALUES (1); END',
  ],
  [
    'a trigger that inserts too',
    `CREATE TRIGGER more AFTER INSERT ON t WHEN NEW.id < 100 BEGIN INSERT INTO t VALUES (NEW.id + 10000, 1, NULL); END`,
  ],
  ['REPLACE in its DDL', table('id INTEGER PRIMARY KEY, parent INTEGER, name TEXT UNIQUE ON CONFLICT REPLACE)')],
  ['IGNORE in its DDL', table('id INTEGER PRIMARY KEY, parent INTEGER, name TEXT UNIQUE ON CONFLICT IGNORE)')],
  ['no rowid', table('id INTEGER PRIMARY KEY, parent INTEGER, name TEXT UNIQUE) WITHOUT ROWID')],
  ['STRICT', table('id INTEGER PRIMARY KEY, parent INTEGER, name TEXT UNIQUE) STRICT')],
  ['a generated column', 'ALTER TABLE t ADD twice INTEGER AS (id * 2)'],
  [
    'deferred foreign keys',
    `DELETE FROM parents WHERE id = 17;
     ${table('id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED, name TEXT)')}`,
  ],
]

describe.each(drivers)('rows that come inside SQLite and rows that come as records, over %s', (driver) => {
  it.each(targets)('meet the same end, with %s', async (_, change) => {
    await using database = new TestDatabase(driver)
    const origin = join(database.folder, 'origin.db')
    await runPipeline({
      name: 'origin',
      source: memorySource({ records, key: 'id' }),
      sink: sqliteSink({ filename: origin, driver, table: 't', synchronous: 'off' }),
    })
    const results: unknown[] = []
    const inside = sqliteSource({ filename: origin, driver, table: 't' })
    const sources: readonly Source[] = [inside, memorySource({ records, key: 'id' }) as Source<object> as Source]
    for (const [i, source] of sources.entries()) {
      await using target = new TestDatabase(driver, `target${i}.db`)
      await target.exec(`
        CREATE TABLE parents (id INTEGER PRIMARY KEY);
        INSERT INTO parents SELECT value FROM json_each('[${Array.from({ length: 50 }, (_, n) => n + 1)}]');
        CREATE TABLE t (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents (id), name TEXT);
        ${change};
      `)
      const letters = memoryAckSink()
      const { counts } = await runPipeline({
        name: 'copy',
        source,
        sink: sqliteSink({ filename: target.file, driver, table: 't', synchronous: 'off' }),
        batchSize: 160,
        maxRejected: 100,
        deadLetters: letters,
      })
      expect(counts.read).toBe(470)
      expect(counts.inserted + counts.skipped + counts.rejected).toBe(470)
      results.push({
        counts,
        refused: letters.store.rows.map(({ key }) => key),
        rows: await target.exact('SELECT * FROM t ORDER BY id'),
        parents: await target.value('SELECT count(*) FROM parents'),
      })
    }
    expect(results[0]).toEqual(results[1])
  })
})
