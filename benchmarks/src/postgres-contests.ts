import { existsSync } from 'node:fs'
import path from 'node:path'
import type { Contender, Contest } from './contest.js'
import { type Bench, drover, flagged, shell } from './drover.js'
import type { PostgresBench } from './postgres-bench.js'

export const postgresNames = [
  'sqlite-postgres',
  'sqlite-postgres-upsert',
  'sqlite-postgres-peers',
  'postgres-postgres',
  'postgres-postgres-peers',
  'postgres-backfill',
  'postgres-undo',
  'verify',
] as const

type Name = (typeof postgresNames)[number]

/** PostgreSQL, in the order they are printed. */
export function postgresContests(bench: Bench, postgres: PostgresBench): Contest[] {
  const { rows, database, folder } = bench
  const from = postgres.url('sample')
  const to = postgres.url('target')
  const pgloader = existsSync('/usr/bin/pgloader')
  const whole = async (): Promise<string | undefined> => {
    const count = await postgres.psql('target', 'SELECT count(*) FROM messages')
    return count === String(rows) ? undefined : `${count} rows instead of ${rows}`
  }
  const empty = { reset: () => postgres.renew('target', 'empty'), check: whole }
  const cli = shell(
    'sqlite3 .mode csv | psql COPY',
    `sqlite3 -csv "${database}" "SELECT * FROM messages" | psql -qX "${to}" -c "COPY messages FROM STDIN CSV"`,
  )
  const copy = shell(
    'psql COPY binary | psql COPY binary',
    `psql -qX "${from}" -c "COPY messages TO STDOUT (FORMAT binary)" | psql -qX "${to}" -c "COPY messages FROM STDIN (FORMAT binary)"`,
  )
  const filled: Pick<Contest, 'reset' | 'check'> = {
    reset: () => postgres.renew('target', 'sample'),
    check: async () => {
      const wrong = 'SELECT count(*) FROM messages WHERE token_count <> greatest(1, length(content) / 4)'
      const left = await postgres.psql('target', wrong)
      return left === '0' ? undefined : `${left} rows are wrong`
    },
  }
  /** What is fastest; the default is what lets the application in sooner. */
  const large = { batchSize: 10_000 }
  const tables: { readonly [name in Name]: Omit<Contest, 'name'> } = {
    'sqlite-postgres': {
      title: `SQLite → PostgreSQL, ${rows} messages into an empty table`,
      contenders: [
        cli,
        drover('better-sqlite3', 'sqlite-postgres', { database, to, driver: 'better-sqlite3' }, { goal: 0.8 }),
        drover('sqlite3', 'sqlite-postgres', { database, to, driver: 'sqlite3' }, { goal: 1.2 }),
        drover(
          'better-sqlite3, a transformer between',
          'sqlite-postgres',
          { database, to, driver: 'better-sqlite3', step: true },
          { goal: 0.9 },
        ),
        flagged(
          '--max-semi-space-size=32',
          drover('the same', 'sqlite-postgres', { database, to, driver: 'better-sqlite3', step: true }),
        ),
      ],
      ...empty,
    },
    'sqlite-postgres-upsert': {
      title: `SQLite → PostgreSQL with onConflict 'update', ${rows} messages into an empty table`,
      contenders: [
        shell(
          'sqlite3 .mode csv | psql COPY into a stage, then INSERT … ON CONFLICT',
          `sqlite3 -csv "${database}" "SELECT * FROM messages" | psql -qX "${to}" -c "CREATE TEMP TABLE stage (LIKE messages)" -c "COPY stage FROM STDIN CSV" -c "INSERT INTO messages SELECT * FROM stage ON CONFLICT (id) DO UPDATE SET thread_id = excluded.thread_id, role = excluded.role, content = excluded.content, token_count = excluded.token_count, created_at = excluded.created_at, metadata = excluded.metadata"`,
        ),
        drover(
          'better-sqlite3',
          'sqlite-postgres',
          { database, to, driver: 'better-sqlite3', onConflict: 'update' },
          { goal: 0.8 },
        ),
        drover('better-sqlite3, 2 partitions', 'sqlite-postgres', {
          database,
          to,
          driver: 'better-sqlite3',
          onConflict: 'update',
          parallel: 2,
        }),
      ],
      ...empty,
    },
    'sqlite-postgres-peers': {
      title: `SQLite → PostgreSQL against other ways, ${rows} messages: how many times as long they take`,
      contenders: [
        drover('better-sqlite3', 'sqlite-postgres', { database, to, driver: 'better-sqlite3' }),
        ...(pgloader ? [loader(folder, 'pgloader from SQLite', database, to, { rounds: 2 })] : []),
        drover('naive: OFFSET, knex.batchInsert', 'naive-insert', { database, to }, { rounds: 1 }),
      ],
      ...empty,
    },
    'postgres-postgres': {
      title: `PostgreSQL → PostgreSQL, ${rows} messages into an empty table`,
      contenders: [
        copy,
        drover('as it is', 'postgres-postgres', { from, to }, { goal: 1.05 }),
        drover('one declared field changed', 'postgres-postgres', { from, to, step: 'field' }, { goal: 1.1 }),
        drover(
          'a transformer of objects',
          'postgres-postgres',
          { from, to, step: 'object', json: 'text' },
          { goal: 1.35 },
        ),
        drover('a transformer of objects, jsonb parsed', 'postgres-postgres', { from, to, step: 'object' }),
      ],
      ...empty,
    },
    'postgres-postgres-peers': {
      title: `PostgreSQL → PostgreSQL against other ways, ${rows} messages: how many times as long they take`,
      contenders: [
        drover('as it is', 'postgres-postgres', { from, to }),
        shell('pg_dump -Fc | pg_restore', `pg_dump -Fc -t messages "${from}" | pg_restore -d "${to}"`),
        ...(pgloader ? [loader(folder, 'pgloader from PostgreSQL', from, to, { rounds: 2 })] : []),
      ],
      reset: () => postgres.renew('target', 'template0'),
      check: whole,
    },
    'postgres-backfill': {
      title: `Backfill of token counts in PostgreSQL, ${rows} messages`,
      contenders: [
        shell(
          'one SQL UPDATE in psql',
          `psql -qX "${to}" -c "UPDATE messages SET token_count = greatest(1, length(content) / 4) WHERE token_count = 0"`,
        ),
        drover('a JavaScript function, batches of 10,000', 'postgres-backfill', { to, ...large }, { goal: 1.35 }),
        drover('a JavaScript function', 'postgres-backfill', { to }),
        drover(
          'SQL, 2 partitions, batches of 10,000',
          'postgres-backfill',
          { to, sql: true, parallel: 2, ...large },
          { goal: 1 },
        ),
        drover('SQL, 2 partitions', 'postgres-backfill', { to, sql: true, parallel: 2 }),
      ],
      ...filled,
    },
    'postgres-undo': {
      title: `Before-images of a backfill in PostgreSQL, ${rows} messages`,
      contenders: [
        drover('a JavaScript function', 'postgres-backfill', { to }),
        drover('a JavaScript function, undo: true', 'postgres-backfill', { to, undo: true }, { goal: 1.6 }),
        drover('SQL', 'postgres-backfill', { to, sql: true }),
        drover('SQL, undo: true', 'postgres-backfill', { to, sql: true, undo: true }, { goal: 1.6, against: 'SQL' }),
      ],
      ...filled,
    },
    verify: {
      title: `Verification of ${rows} messages in SQLite against PostgreSQL`,
      contenders: [
        drover('one full read of both sides, nothing compared', 'read-both', { database, to: from }),
        drover('equal', 'verify', { database, to: from }, { goal: 2 }),
        drover(
          'one changed, one missing, one extra',
          'verify',
          { database, to, finds: [1, 1, 1] },
          { goal: 1.05, against: 'equal' },
        ),
      ],
      reset: async ({ name }) => {
        if (!name.startsWith('one changed')) return
        await postgres.renew('target', 'sample')
        const middle = Math.ceil(rows / 2)
        await postgres.psql(
          'target',
          `UPDATE messages SET token_count = -1 WHERE id = ${middle};
           DELETE FROM messages WHERE id = ${Math.ceil(rows / 3)};
           INSERT INTO messages SELECT ${rows + 1}, thread_id, role, content, token_count, created_at, metadata FROM messages WHERE id = 1;
           VACUUM (FREEZE, ANALYZE) messages`,
        )
      },
    },
  }
  return postgresNames.map((name) => ({ name, ...tables[name] }))
}

/** Debian's pgloader, told to add rows to the table that is there. */
function loader(folder: string, name: string, from: string, to: string, more: Partial<Contender>): Contender {
  const file = path.join(folder, `${name.replaceAll(' ', '-')}.load`)
  const source = from.includes('://') ? from : `sqlite://${from}`
  const load = `LOAD DATABASE FROM ${source} INTO ${to} WITH include drop, create tables;\n`
  return {
    ...shell(name, `printf '%b' "${load.replaceAll('%', '%%')}" > "${file}" && pgloader --on-error-stop "${file}"`),
    ...more,
  }
}
