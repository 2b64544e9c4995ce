import { join } from 'node:path'
import { sqliteDatabase } from '@drover/adapter-sqlite'
import { type CrashLife, type CrashPair, differences } from '@drover/conformance/crash'
import { type Database as DroverDatabase, type Row, startDatabaseCopy } from '@drover/core'
import Database from 'better-sqlite3'
import { herd } from '../herd.js'
import { rowsIn, writeHerd } from '../sqlite-files.js'
import { heldBy } from './pipeline-pair.js'

/** Beside the herd: tables that refer to it, to each other and to themselves. */
const fold = `
  CREATE TABLE pens (id INTEGER PRIMARY KEY, beside INTEGER REFERENCES pens (id), leader INTEGER REFERENCES stays (id));
  CREATE TABLE stays (id INTEGER PRIMARY KEY, head INTEGER NOT NULL REFERENCES heads (id), pen INTEGER REFERENCES pens (id));
  INSERT INTO stays SELECT id, id, id % 50 + 1 FROM heads;
  INSERT INTO pens SELECT id, nullif(51 - id, id), id * 2 FROM heads WHERE id <= 50;`

const tables = ['heads', 'pens', 'stays']
const keysInFile = tables.map(
  (table) => `SELECT "from" AS key, '${table}' AS t FROM pragma_foreign_key_list('${table}')`,
)
interface Copied {
  readonly prepare: CrashPair['prepare']
  readonly begin?: NonNullable<CrashPair['begin']>
  readonly to: (directory: string, life: CrashLife) => DroverDatabase
  /** What is in the copy. */
  readonly rows: (directory: string, table: string) => Promise<readonly Row[]>
  readonly keys: (directory: string) => Promise<readonly Row[]>
}

export const prepare: CrashPair['prepare'] = async (directory, random) => {
  const file = join(directory, 'herd.db')
  writeHerd(file, herd(random))
  const database = new Database(file)
  database.pragma('foreign_keys = OFF')
  database.exec(fold)
  database.close()
}

/** A database of SQLite's, copied as a whole. */
export function databasePair({ to, rows, keys, ...pair }: Copied): CrashPair {
  return {
    ...pair,
    async run(directory, life) {
      const live = startDatabaseCopy({
        name: 'chaos',
        from: sqliteDatabase({ filename: join(directory, 'herd.db') }),
        to: to(directory, life),
        batchSize: 100,
        parallel: 2,
        ...heldBy(life),
      })
      live.events.on('batch:committed', () => life.committed())
      await live.result
    },
    async compare(directory) {
      const file = join(directory, 'herd.db')
      const found: string[] = []
      for (const table of tables) {
        const different = differences(rowsIn(file, `SELECT * FROM ${table}`), await rows(directory, table))
        found.push(...different.map((line) => `${table}: ${line}`))
      }
      const kept = (all: readonly Row[]): string => JSON.stringify(all.map(({ t, key }) => `${t}.${key}`).sort())
      const [wanted, made] = [kept(rowsIn(file, keysInFile.join(' UNION ALL '))), kept(await keys(directory))]
      return wanted === made ? found : [...found, `foreign keys: ${wanted} became ${made}`]
    },
  }
}

/** Whole databases. */
export const databases = {
  'sqlite-database': databasePair({
    prepare,
    to: (directory) => sqliteDatabase({ filename: join(directory, 'copy.db') }),
    rows: async (directory, table) => rowsIn(join(directory, 'copy.db'), `SELECT * FROM ${table}`),
    keys: async (directory) => rowsIn(join(directory, 'copy.db'), keysInFile.join(' UNION ALL ')),
  }),
} satisfies Record<string, CrashPair>
