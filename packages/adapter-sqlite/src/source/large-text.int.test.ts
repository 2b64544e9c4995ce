import { delimitedForm } from '@drover/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { askings, readSource } from '../testing/read-source.js'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { sqliteSource } from './sqlite-source.js'

/** `DROVER_TEST_LARGE=1` runs it with 200 MB as well. */
const sizes = process.env.DROVER_TEST_LARGE === undefined ? [20] : [20, 200]

describe.each(drivers)('large texts by %s', (driver) => {
  let database: TestDatabase

  beforeEach(() => {
    database = new TestDatabase(driver)
  })

  afterEach(() => database[Symbol.asyncDispose]())

  describe.each(sizes)('of %i MB', (megabytes) => {
    it.each([...askings, 'texts'] as const)(
      'come one by one, when %s are asked for',
      async (asked) => {
        const asking = asked === 'texts' ? ({ asking: 'lines', forms: [delimitedForm] } as const) : { asking: asked }
        const bytes = megabytes * 1_000_000
        await database.exec(`PRAGMA synchronous = OFF; CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
        INSERT INTO t WITH RECURSIVE s(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM s WHERE i < 300) SELECT i, 'small' FROM s;
        UPDATE t SET v = replace(hex(zeroblob(${bytes / 2})), '0', 'x') WHERE id IN (150, 151, 200)`)
        const source = sqliteSource({ filename: database.file, driver, table: 't' })
        const { rows, pages } = await readSource(source, { ...asking, page: { records: 1000, bytes: 1_000_000 } })
        expect(rows).toHaveLength(300)
        expect(rows.flatMap(({ id, v }) => ((v as string).length === bytes ? [id] : []))).toEqual([150, 151, 200])
        const large = pages.filter((page) => page.bytes > 1_000_000)
        expect(large.map(({ count }) => count)).toEqual([1, 1, 1])
        expect(rows[149]).toMatchObject({ v: expect.stringMatching(/^xxx/) })
      },
      120_000,
    )
  })
})
