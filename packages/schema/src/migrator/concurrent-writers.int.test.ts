import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { beforeEach, expect, it } from 'vitest'
import { rowCountsUnchanged } from '../conditions/rows.js'
import type { Migration } from '../contracts/migration.js'
import { createMigrator } from './create-migrator.js'

describePostgres('a revision among others who write', () => {
  const database = useDatabase()
  beforeEach(async () => {
    await database.query('DROP SCHEMA public CASCADE')
    await database.query('CREATE SCHEMA public')
    await database.query('CREATE TABLE calls (id integer PRIMARY KEY, status text)')
    await database.query(
      'CREATE TABLE notes (id integer PRIMARY KEY, call integer REFERENCES calls (id) ON DELETE CASCADE)',
    )
    await database.query("INSERT INTO calls SELECT id, 'x' FROM generate_series(1, 5) AS id")
    await database.query('INSERT INTO notes SELECT id, id FROM generate_series(1, 5) AS id')
  })
  const up = async (sql: readonly string[], postconditions = [rowCountsUnchanged('calls', 'notes')]): Promise<void> => {
    const migration: Migration = {
      id: '001',
      assured: { 'unknown-statement': 'a test' },
      up: async (context) => {
        if (!context.isPreview) {
          // Another session, which commits at once.
          await database.query('DELETE FROM notes WHERE id IN (1, 2)')
          await database.query("INSERT INTO calls VALUES (6, 'y') ON CONFLICT DO NOTHING")
        }
        for (const each of sql) await context.sql(each)
      },
      postconditions,
    }
    await using migrator = createMigrator({ connection: database.url, migrations: [migration] })
    await migrator.up()
  }

  it('is not taken for what they did', async () => {
    await up(["UPDATE calls SET status = 'z' WHERE id = 3", 'UPDATE notes SET call = 3 WHERE id = 4'])
    expect(
      await database.query(
        'SELECT (SELECT count(*)::int FROM calls) AS calls, (SELECT count(*)::int FROM notes) AS notes',
      ),
    ).toEqual([{ calls: 6, notes: 3 }])
  })

  it('is told what it did itself, also where the sum comes out even', async () => {
    await expect(up(['DELETE FROM calls WHERE id = 3', 'SELECT count(*) FROM notes'])).rejects.toThrow(
      'calls has 1 rows less by this revision; notes has 1 rows less by this revision',
    )
    const failure = up(['DO $$ BEGIN DELETE FROM notes WHERE id = 5; END $$'], [])
    await expect(failure).rejects.toMatchObject({ code: 'LOSS_REFUSED' })
  })

  it('is refused when a table is emptied behind its back', async () => {
    await expect(up(['DO $$ BEGIN TRUNCATE notes; END $$'], [])).rejects.toMatchObject({ code: 'LOSS_REFUSED' })
    expect(await database.query('SELECT count(*)::int AS notes FROM notes')).toEqual([{ notes: 3 }])
  })
})
