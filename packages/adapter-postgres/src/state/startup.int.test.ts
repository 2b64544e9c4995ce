import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { startTogether } from '@drover-internal/sql-tests/start-together'
import { afterEach, beforeEach, expect, it } from 'vitest'

const program = join(import.meta.dirname, '..', 'testing', 'startup.child.ts')

describePostgres('six instances that start together', () => {
  const database = useDatabase()
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'drover-startup-'))
    await database.query(`
      CREATE TABLE messages (id int PRIMARY KEY, content text);
      INSERT INTO messages SELECT i, 'message ' || i FROM generate_series(1, 20000) AS i;
      CREATE TABLE copies (id int PRIMARY KEY, content text, tokens int);
      CREATE TABLE tries (id int);
      CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO tries VALUES (NEW.id); RETURN NEW; END $$;
      CREATE TRIGGER notes AFTER UPDATE ON copies FOR EACH ROW EXECUTE FUNCTION note()`)
  })

  afterEach(() => rm(folder, { recursive: true }))

  it('do the work once, though one is killed, and two sleep past their leases with rows locked and wake up again', {
    timeout: 120_000,
  }, async () => {
    const hasRow = (where: string) => async () =>
      (await database.query(`SELECT FROM copies WHERE ${where} LIMIT 1`)).length > 0
    await startTogether({
      program,
      parameters: [folder, database.url],
      rows: 20_000,
      hasPassed: { 'copy-stopped': hasRow('id > 8500'), 'tokens-stopped': hasRow('id > 6500 AND tokens IS NOT NULL') },
    })
    expect(
      await database.query(`
        SELECT count(*)::int AS rows, count(*) FILTER (WHERE tokens = length(content))::int AS correct,
          (SELECT count(*)::int FROM tries) AS tries, (SELECT count(DISTINCT id)::int FROM tries) AS tried FROM copies`),
    ).toEqual([{ rows: 20_000, correct: 20_000, tries: 20_000, tried: 20_000 }])
  })
})
