import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { bareStatement } from '../database/statement-shown.js'
import { defineMigration } from '../migration/define-migration.js'
import { statementKind } from '../sql/statement-kind.js'
import { checksumOf } from './checksum-of.js'
import { formatSteps } from './format-steps.js'
import { inlineValues } from './inline-values.js'
import { recordMigration } from './record-migration.js'

const kind = (sql: string, dialect: 'postgres' | 'sqlite' = 'postgres') => {
  const { kind: found, command, isOutside } = statementKind(sql, dialect)
  return `${found} ${command}${isOutside ? ' outside' : ''}`
}

describe('statementKind', () => {
  it.each([
    ['SELECT 1', 'read SELECT'],
    ['(SELECT 1) UNION (SELECT 2)', 'read SELECT'],
    ['-- update\nSELECT "update" FROM a FOR UPDATE', 'read SELECT'],
    ['WITH a AS (SELECT 1) SELECT * FROM a', 'read SELECT'],
    ['WITH a AS (SELECT 1) UPDATE b SET c = 1', 'write UPDATE'],
    ['WITH a AS (DELETE FROM b RETURNING *) SELECT * FROM a', 'write SELECT'],
    ['SELECT * INTO b FROM a', 'write SELECT'],
    [`SELECT setval('s', 1)`, 'write SELECT'],
    [`SELECT replace(a, 'x', 'y') FROM b`, 'read SELECT'],
    [`SELECT (replace(a, 'x', 'y')) FROM b`, 'read SELECT'],
    ['EXPLAIN DELETE FROM a', 'read EXPLAIN'],
    ['EXPLAIN (ANALYZE) DELETE FROM a', 'write EXPLAIN'],
    ['CREATE UNIQUE INDEX CONCURRENTLY a ON b (c)', 'write CREATE outside'],
    ['CREATE TABLE a (concurrently int)', 'write CREATE'],
    ['REFRESH MATERIALIZED VIEW CONCURRENTLY a', 'write REFRESH'],
    ['DROP INDEX CONCURRENTLY a', 'write DROP outside'],
    ['VACUUM', 'write VACUUM outside'],
    ['START TRANSACTION', 'transaction START'],
    ["COMMIT PREPARED 'a'", 'transaction COMMIT'],
    ['DO $$ BEGIN COMMIT; END $$', 'write DO'],
  ])('%s', (sql, expected) => {
    expect(kind(sql)).toBe(expected)
  })

  it.each([
    ['PRAGMA table_info(a)', 'read PRAGMA'],
    ['PRAGMA main.user_version', 'read PRAGMA'],
    ['PRAGMA user_version = 3', 'write PRAGMA'],
    ['PRAGMA journal_mode = WAL', 'write PRAGMA outside'],
    ['REPLACE INTO a VALUES (1)', 'write REPLACE'],
    ['END', 'transaction END'],
  ])('%s of SQLite', (sql, expected) => {
    expect(kind(sql, 'sqlite')).toBe(expected)
  })
})

describe('inlineValues', () => {
  it('writes literals that say what the values say, whatever they hold', () => {
    const sql = `INSERT INTO a VALUES ($1, $2, '$1', $10, $3::jsonb) -- $1`
    const values = [`it's \\`, 5, { a: "'" }, 0, 0, 0, 0, 0, 0, [1, null, 'x"y']]
    expect(inlineValues(sql, values, 'postgres')).toBe(
      `INSERT INTO a VALUES (E'it''s \\\\', '5', '$1', E'{"1",NULL,"x\\\\"y"}', '{"a":"''"}'::jsonb) -- $1`,
    )
    const bytes = new Uint8Array([1, 255])
    expect(inlineValues(`SELECT ?, '?', ?, ?, ?, ?, ?`, [true, 2n ** 60n, 1e300, bytes, 'a\0', null], 'sqlite')).toBe(
      `SELECT 1, '?', 1152921504606846976, 1e+300, X'01ff', CAST(X'6100' AS TEXT), NULL`,
    )
  })

  it('shows a statement in messages without the texts in it', () => {
    expect(bareStatement(`UPDATE a\n SET b = 'secret' -- c`, 'postgres')).toBe(`UPDATE a SET b = '…'`)
  })
})

describe('recordMigration', () => {
  const record = (up: Parameters<typeof defineMigration>[0]['up'], dialect: 'postgres' | 'sqlite' = 'postgres') =>
    recordMigration(defineMigration({ id: '001_a', up }), 'up', dialect)

  it('writes down what a revision does, and what it could not see', async () => {
    const steps = await record(async ({ knex, sql, schema }) => {
      await schema.createTable('chat.a', (table) => table.text('b').defaultTo('?'))
      const rows = await knex('a').where({ b: '?' })
      await sql('INSERT INTO a VALUES ($1)', [rows.length])
      await sql('SELECT 2')
    })
    expect(formatSteps(steps, 'postgres')).toBe(`create table "chat"."a" ("b" text default '?');
-- not to be seen without the database: what follows may depend on the rows of: select * from "a" where "b" = $1
INSERT INTO a VALUES ('0');`)
  })

  it('goes as far as it can where rows are needed, and refuses what fails in any database', async () => {
    const steps = await record(async ({ sql }) => {
      const [row] = await sql('SELECT id FROM a')
      await sql('UPDATE a SET id = $1', [(row as { id: number }).id])
    })
    expect(steps).toEqual([{ kind: 'unseen', about: expect.stringContaining('fails here') }])
    const wrong = record(() => {
      throw new TypeError('no')
    })
    await expect(wrong).rejects.toMatchObject({ code: 'REVISION_INVALID' })
  })

  it('has a checksum that changes with what is done, and with nothing else', async () => {
    const of = async (text: string, id: () => string = randomUUID, at = () => new Date()) =>
      checksumOf(
        await record(async ({ knex }) => {
          await knex('a').insert({ b: text, at: at(), said: at().toISOString(), id: id(), n: 2n ** 60n })
        }),
      )
    expect(await of('x')).toBe(await of('x'))
    const fixed = '00000000-0000-4000-8000-000000000000'
    expect(await of('x', () => fixed)).not.toBe(await of('x', () => fixed.replace('4', '5')))
    const born = await of('x', randomUUID, () => new Date(0))
    expect(born).not.toBe(await of('x', randomUUID, () => new Date(1)))
    expect(await of('x')).not.toBe(await of('y'))
  })
})
