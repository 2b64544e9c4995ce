import { copyFile, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Contest } from './contest.js'
import { type Bench, drover } from './drover.js'
import { messagesTable } from './sample-database.js'
import { sqliteCli } from './sqlite-cli.js'

const sides = ['', '-wal', '-shm', '-journal']

/** The engine, files and SQLite. */
export function sqliteContests(bench: Bench): Contest[] {
  return [
    engine('sync', bench),
    engine('async', bench),
    toNdjson(bench),
    toSqlite(bench),
    transformed(bench),
    backfill(bench),
    undo(bench),
    exactlyOnce(bench),
    memory(bench),
  ]
}

function engine(kind: 'sync' | 'async', { rows }: Bench): Contest {
  return {
    name: `engine-${kind}`,
    title: `Engine alone, ${kind} steps: memory → normalizeTimestamps, addMetadata, a filter → nothing, ${rows} rows of 7 fields, three times over`,
    contenders: [
      drover('a loop over batches by hand', 'engine', { rows, kind, by: 'hand' }),
      drover('runPipeline', 'engine', { rows, kind, by: 'engine' }, { goal: 1.3 }),
    ],
  }
}

function toNdjson({ database, folder, rows }: Bench): Contest {
  const file = path.join(folder, 'out.ndjson')
  const options = { database, file }
  return {
    name: 'sqlite-ndjson',
    title: `SQLite → NDJSON, ${rows} messages`,
    contenders: [
      {
        name: 'sqlite3 CLI, .mode json',
        command: ['sqlite3', database],
        input: `.mode json\n.output ${file}\nselect * from messages;\n`,
      },
      drover('better-sqlite3', 'ndjson', { ...options, driver: 'better-sqlite3' }, { goal: 1 }),
      drover('sqlite3', 'ndjson', { ...options, driver: 'sqlite3' }, { goal: 1.5 }),
      drover('better-sqlite3, a transformer between', 'ndjson', { ...options, driver: 'better-sqlite3', step: true }),
      drover('sqlite3, a transformer between', 'ndjson', { ...options, driver: 'sqlite3', step: true }),
    ],
    reset: async () => {
      await rm(file, { force: true })
      await rm(path.join(folder, '.drover'), { recursive: true, force: true })
    },
  }
}

function toSqlite({ database, folder, rows }: Bench): Contest {
  const target = path.join(folder, 'copy.db')
  return {
    name: 'sqlite-sqlite',
    title: `SQLite → SQLite, ${rows} messages`,
    contenders: [
      {
        name: 'sqlite3 CLI, INSERT … SELECT over ATTACH',
        command: ['sqlite3', target],
        input: `pragma journal_mode=wal; ${messagesTable}; attach '${database}' as src; insert into messages select * from src.messages;`,
      },
      drover('better-sqlite3', 'sqlite', { database, target, driver: 'better-sqlite3' }, { goal: 2.5 }),
      drover('sqlite3', 'sqlite', { database, target, driver: 'sqlite3' }, { goal: 2.5 }),
    ],
    reset: () => removeDatabase(target),
    check: () => counted(target, rows),
  }
}

function transformed({ database, folder, rows }: Bench): Contest {
  const target = path.join(folder, 'copy.db')
  return {
    name: 'sqlite-sqlite-step',
    title: `SQLite → SQLite with a transformer, ${rows} messages`,
    contenders: [
      {
        name: 'sqlite3 CLI, INSERT … SELECT over ATTACH',
        command: ['sqlite3', target],
        input: `pragma journal_mode=wal; ${messagesTable}; attach '${database}' as src; insert into messages select * from src.messages;`,
      },
      drover('better-sqlite3', 'sqlite', { database, target, driver: 'better-sqlite3', step: true }),
      drover('sqlite3', 'sqlite', { database, target, driver: 'sqlite3', step: true }),
    ],
    reset: () => removeDatabase(target),
    check: () => counted(target, rows),
  }
}

function backfill({ database, folder, rows }: Bench): Contest {
  const target = path.join(folder, 'backfill.db')
  return {
    name: 'sqlite-backfill',
    title: `Backfill of token counts in SQLite by a JavaScript function, ${rows} messages`,
    contenders: [
      {
        name: 'one SQL UPDATE in the sqlite3 CLI',
        command: ['sqlite3', target],
        input: 'update messages set token_count = max(1, length(content) / 4) where token_count = 0;',
      },
      drover('better-sqlite3', 'backfill', { target, driver: 'better-sqlite3' }, { goal: 2 }),
      drover('sqlite3', 'backfill', { target, driver: 'sqlite3' }, { goal: 4 }),
      drover('naive script: sqlite3, OFFSET, an UPDATE per row', 'naive', { target, rows }, { rounds: 1 }),
    ],
    reset: async () => {
      await removeDatabase(target)
      await copyFile(database, target)
    },
    check: async () => {
      const left = await sqliteCli(
        target,
        'select count(*) from messages where token_count <> max(1, length(content) / 4)',
      )
      return left === '0' ? undefined : `${left} rows are wrong`
    },
  }
}

function undo(bench: Bench): Contest {
  const { reset, check } = backfill(bench)
  const target = path.join(bench.folder, 'backfill.db')
  const contender = (driver: string, keeps: boolean, more = {}) =>
    drover(`${driver}${keeps ? ', undo: true' : ''}`, 'backfill', { target, driver, undo: keeps }, more)
  return {
    name: 'undo',
    title: `Before-images of a backfill in SQLite, ${bench.rows} messages`,
    contenders: ['better-sqlite3', 'sqlite3'].flatMap((driver) => [
      contender(driver, false),
      contender(driver, true, { goal: 1.6, against: driver }),
    ]),
    ...(reset && { reset }),
    ...(check && { check }),
  }
}

function exactlyOnce({ database, folder, rows }: Bench): Contest {
  const target = path.join(folder, 'copy.db')
  return {
    name: 'exactly-once',
    title: `The price of exactly once: SQLite → SQLite with a transformer, ${rows} messages, better-sqlite3`,
    contenders: [
      drover('position and fence never written', 'sqlite', {
        database,
        target,
        driver: 'better-sqlite3',
        step: true,
        unsafe: true,
      }),
      drover('as it is', 'sqlite', { database, target, driver: 'better-sqlite3', step: true }, { goal: 1.05 }),
    ],
    reset: () => removeDatabase(target),
    check: () => counted(target, rows),
  }
}

/** How the peak grows with the budget, batches being as large as the budget lets them; with --rows 10000000, whether it grows with the rows. */
function memory({ database, folder, rows }: Bench): Contest {
  const options = {
    database,
    file: path.join(folder, 'out.ndjson'),
    driver: 'better-sqlite3',
    step: true,
    batchSize: rows,
  }
  return {
    name: 'memory',
    title: `Peak memory by maxInFlightBytes: SQLite → a transformer → NDJSON, ${rows} messages`,
    contenders: [8, 32, 64, 128].map((mebibytes) =>
      drover(`${mebibytes} MiB`, 'ndjson', { ...options, maxInFlightBytes: mebibytes * 2 ** 20 }),
    ),
    reset: () => rm(path.join(folder, '.drover'), { recursive: true, force: true }),
  }
}

async function removeDatabase(file: string): Promise<void> {
  for (const side of sides) await rm(`${file}${side}`, { force: true })
}

async function counted(file: string, rows: number): Promise<string | undefined> {
  const count = await sqliteCli(file, 'select count(*) from messages')
  return count === String(rows) ? undefined : `${count} rows instead of ${rows}`
}
