import { cp, mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { postgresBackfill } from '@drover/adapter-postgres'
import { sqliteBackfill } from '@drover/adapter-sqlite'
import { type Row, runBackfill } from '@drover/core'
import { createMigrator, draft, loadMigrations, openDatabase } from '@drover/schema'
import { models } from './models.js'

export interface Outcome {
  /** What was drafted. */
  readonly text: string
  /** After up, down and up again. */
  readonly columns: readonly (readonly string[])[]
  /** What a second draft finds. */
  readonly again: number
  readonly backfilled: number
  readonly rows: readonly Row[]
}

/** The guide's walkthrough: model, draft, review, up, down, up, backfill. */
export async function walkthrough(url: string, say: (text: string) => void): Promise<Outcome> {
  // Beside this file, so that what is drafted finds its packages.
  const folder = await mkdtemp(path.join(import.meta.dirname, 'migrations-'))
  try {
    await cp(path.join(import.meta.dirname, 'migrations'), folder, { recursive: true })
    await using database = await openDatabase(url)
    const { signal } = new AbortController()
    const ask = (sql: string): Promise<readonly Row[]> => database.query(sql, [], { signal })
    {
      await using migrator = createMigrator({ connection: url, migrations: await loadMigrations(folder) })
      await migrator.up()
    }
    await using connection = await database.connect({ signal })
    await connection.exec(
      "INSERT INTO calls (id, phone_number, status) VALUES (1, '+15555551234', 'completed'), (2, '+15555555678', 'failed')",
    )

    say('1. models.ts has a priority. 2. The revision is drafted:')
    const drafting = { connection: url, models, message: 'add priority field to calls' }
    const drafted = await draft({ ...drafting, migrations: await loadMigrations(folder), folder })
    const text = drafted.revisions.map((revision) => revision.text).join('\n')
    say(text)

    say('3. It was read. 4. Up, down, up:')
    const migrations = await loadMigrations(folder)
    await using migrator = createMigrator({ connection: url, migrations })
    const columns: string[][] = []
    for (const go of [() => migrator.up(), () => migrator.down({ to: '001_calls' }), () => migrator.up()]) {
      const { direction, revisions } = await go()
      say(`${direction}: ${revisions.map(({ id }) => id).join(', ')}`)
      columns.push(Object.keys((await ask('SELECT * FROM calls WHERE id = 1'))[0] ?? {}))
    }
    const again = await draft({ ...drafting, migrations })

    say('5. The backfill of calls that were there before:')
    const options = {
      name: 'call-priority',
      table: 'calls',
      where: "priority = 0 AND status = 'failed'",
      sets: ['priority'],
      set: { priority: '10' },
    }
    const backfiller =
      database.dialect === 'postgres'
        ? postgresBackfill({ ...options, connection: url })
        : sqliteBackfill({ ...options, filename: url })
    const { counts } = await runBackfill({ backfiller })
    say(`${counts.updated} calls got a priority`)
    const rows = await ask('SELECT id, priority FROM calls ORDER BY id')
    return { text, columns, again: again.revisions.length, backfilled: counts.updated ?? 0, rows }
  } finally {
    await rm(folder, { recursive: true })
  }
}
