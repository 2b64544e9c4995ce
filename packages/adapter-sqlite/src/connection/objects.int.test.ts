import { describe, expect, it } from 'vitest'
import { drivers, TestDatabase } from '../testing/test-database.js'

describe.each(drivers)('objects() with %s', (driver) => {
  it('gives rows by name, rows changed, and the last rowid, for statements of any kind', async () => {
    await using database = new TestDatabase(driver)
    await using connection = await database.open()
    const objects = async (sql: string, values: readonly (bigint | string)[] = []) =>
      await connection.objects(sql, values)

    expect(await objects('CREATE TABLE a (id INTEGER PRIMARY KEY, b ANY)')).toMatchObject({ rows: [], changes: 0 })
    expect(await objects(`INSERT INTO a (b) VALUES ('returning'), (?)`, [2n ** 60n])).toMatchObject({
      rows: [],
      changes: 2,
      lastRowid: 2,
    })
    expect(await objects('ALTER TABLE a ADD COLUMN c TEXT')).toMatchObject({ rows: [], changes: 0 })
    expect(await objects(`INSERT INTO a (id, b) VALUES (7, 'x') RETURNING id, b AS "B"`)).toEqual({
      rows: [{ id: 7, B: 'x' }],
      changes: 1,
      lastRowid: 7,
    })
    expect((await objects('SELECT a.id, b.id, b.b FROM a JOIN a AS b USING (id) WHERE id = 2')).rows).toEqual([
      { id: 2, b: 2n ** 60n },
    ])
    expect((await objects('SELECT * FROM a WHERE id = 7')).rows).toEqual([{ id: 7, b: 'x', c: null }])
    expect(await objects('WITH x AS (SELECT 7 AS id) UPDATE a SET c = 1 WHERE id IN (SELECT id FROM x)')).toMatchObject(
      {
        rows: [],
        changes: 1,
      },
    )
    expect((await objects('PRAGMA table_info(a)')).rows.map(({ name }) => name)).toEqual(['id', 'b', 'c'])
    expect(await objects('DELETE FROM a WHERE id = 99')).toMatchObject({ rows: [], changes: 0 })
    expect(await objects('DROP TABLE a')).toMatchObject({ rows: [], changes: 0 })
  })
})
