import type { Page, Row } from '@drover/core'
import { describe, expect, test } from 'vitest'
import { canonical } from '../support/canonical.js'
import { differences } from '../support/differences.js'
import { operation, throughJson } from '../support/operation.js'
import { keyValue } from '../support/sample-page.js'
import type { Shape } from '../support/shapes.js'
import { placesOf, readPages, readRows, withSession } from './read-all.js'
import { sharedHarness } from './shared-harness.js'
import type { SourceHarness, SourceHarnessFactory } from './source-harness.js'

const roomy = 1_000_000_000

/** Pages: their limits, keys and slices, and going on after each of them. */
export function pagingTests(factory: SourceHarnessFactory, shape: Shape): void {
  const { capabilities, create } = factory
  const count = 50
  const records = shape.records(count)
  const repeats = capabilities.repeats ?? false

  /** For a test that adds records. Such come before those that share theirs: some stores have room for one of them alone. */
  async function filledAlone(): Promise<SourceHarness> {
    const harness = await create(shape.schema)
    await harness.seed(records)
    return harness
  }

  async function pagesOfSize(harness: Pick<SourceHarness, 'open'>, size: number, bytes = roomy): Promise<Page[]> {
    return await withSession(harness.open(), (session) => readPages(session, { page: { records: size, bytes } }))
  }

  describe('pages', () => {
    test('end at their bytes, but hold one record at least', async () => {
      await using harness = await filledAlone()
      const large = shape.records(count + 12).filter((record) => !isAmong(records, record))
      const size = 20_000
      await harness.seed(large.map((record) => ({ ...record, name: 'x'.repeat(size) })))
      const tight = await pagesOfSize(harness, count * 2, 1)
      expect(tight.map((page) => page.count).filter((held) => held > 1)).toEqual([])
      for (const page of await pagesOfSize(harness, count * 2, size * 3)) {
        const heavy = page.rows().filter((row) => String(row.name).length === size).length
        // One more than fit, where a source finds out only behind a record how large it was.
        expect(heavy).toBeLessThanOrEqual(4)
      }
    })

    const filled = sharedHarness(factory, shape.schema, records)

    test.each([1, 2, 7, count, count + 5])('of at most %i records hold all records', async (size) => {
      const harness = await filled()
      const pages = await pagesOfSize(harness, size)
      for (const page of pages) {
        expect(page.count).toBeLessThanOrEqual(size)
        expect(page.rows()).toHaveLength(page.count)
      }
      expect(differences(records, rowsOf(pages), { duplicates: repeats })).toEqual([])
    })

    test('say how many bytes they hold, within a factor', async () => {
      const harness = await filled()
      const bytes = (await pagesOfSize(harness, count)).reduce((sum, page) => sum + page.bytes, 0)
      const least = records.reduce((sum, record) => sum + String(record.name).length, 0)
      expect(bytes).toBeGreaterThanOrEqual(least / 4)
    })

    test('are decoded when they are asked, also after the read has gone on, and twice alike', async () => {
      const harness = await filled()
      await withSession(harness.open(), async (session) => {
        const pages = await readPages(session, { page: { records: 4, bytes: roomy } })
        expect(differences(records, rowsOf(pages), { duplicates: repeats })).toEqual([])
        for (const page of pages) {
          expect(page.rows()[0]).toBe(page.rows()[0])
          expect(page.keys()).toEqual(page.keys())
        }
      })
    })

    test('give keys parallel to their rows, unique, made of JSON, without children', async () => {
      const harness = await filled()
      const pages = await pagesOfSize(harness, 7)
      const keys = pages.flatMap((page) => page.keys())
      const rows = rowsOf(pages)
      expect(keys).toHaveLength(rows.length)
      expect(throughJson(keys.map((key) => key.source))).toEqual(keys.map((key) => key.source))
      expect(new Set(keys.map((key) => key.child))).toEqual(new Set([0]))
      if (!repeats) expect(new Set(keys.map((key) => canonical(key.source))).size).toBe(rows.length)
      if (shape.schema.key.length === 0) return
      expect(keys.map((key) => key.source)).toEqual(
        rows.map((row) => shape.schema.key.map((name) => keyValue(row[name]))),
      )
    })

    test('give the same keys in every pass, whatever their size', async () => {
      const harness = await filled()
      const passes = await Promise.all([1, 7, count].map((size) => pagesOfSize(harness, size)))
      const [first, ...others] = passes.map(identities)
      for (const other of others) expect(differences(first ?? [], other, { duplicates: repeats })).toEqual([])
    })

    test('are sliced anywhere, with the cursor where it was', async () => {
      const harness = await filled()
      const [page] = await pagesOfSize(harness, 5)
      if (page === undefined) throw new Error('The source gave no page.')
      const [rows, keys] = [page.rows(), page.keys()]
      for (let from = 0; from <= rows.length; from++) {
        for (let to = from; to <= rows.length; to++) {
          const part = page.slice(from, to)
          expect(part.rows()).toEqual(rows.slice(from, to))
          expect(part.keys()).toEqual(keys.slice(from, to))
          expect(part.cursor).toEqual(page.cursor)
          expect(part.count).toBe(to - from)
          expect(part.rejected ?? []).toEqual([])
        }
      }
      const inner = page.slice(1, 4).slice(1, 2)
      expect(inner.rows()).toEqual(rows.slice(2, 3))
      expect(inner.keys()).toEqual(keys.slice(2, 3))
    })
  })

  describe('resuming', () => {
    test('after the last cursor gives nothing, and later what was added behind it', async () => {
      await using harness = await filledAlone()
      const last = (await pagesOfSize(harness, 7)).at(-1)?.cursor ?? null
      const rest = await withSession(harness.open(), (session) => readRows(session, { after: last }))
      if (!repeats) expect(rest).toEqual([])
      if (capabilities.grows === false || repeats) return
      const added = shape.records(count + 20).filter((record) => !isAmong(records, record))
      await harness.seed(added)
      const later = await withSession(harness.open(), (session) => readRows(session, { after: throughJson(last) }))
      // Where the key decides the place, records may have come before the cursor; those of the rest are new ones, once each.
      expect(differences(added, later, { limit: Infinity }).filter((line) => !line.startsWith('missing'))).toEqual([])
    })

    const filled = sharedHarness(factory, shape.schema, records)

    test.each([1, 3, 7])(
      'after every cursor of pages of %i gives exactly the rest, in another process',
      async (size) => {
        const harness = await filled()
        const places = placesOf(await pagesOfSize(harness, size))
        const all = await withSession(harness.open(), readRows)
        // Behind each of all records, small pages would be some hundred: a server's, of requests.
        const least = size === 1 ? 6 : 1
        await withSession(harness.open(), async (session) => {
          for (const { after, rowsBefore } of places) {
            const rest = await readRows(session, {
              after: throughJson(after),
              page: { records: least + (rowsBefore % 5), bytes: roomy },
            })
            const expected = all.slice(rowsBefore)
            if (repeats) expect(missing(expected, rest)).toEqual([])
            else expect(rest).toEqual(expected)
          }
        })
      },
    )

    test('reads each record once if records go on being read in small sessions', async () => {
      const harness = await filled()
      const rows: Row[] = []
      let after: Page['cursor'] | null = null
      for (let round = 0; round <= count * 2; round++) {
        const page = await firstPage(harness, after)
        if (page === undefined) break
        rows.push(...page.rows())
        after = throughJson(page.cursor)
      }
      expect(differences(records, rows, { duplicates: repeats })).toEqual([])
    })
  })

  async function firstPage(
    harness: Pick<SourceHarness, 'open'>,
    after: Page['cursor'] | null,
  ): Promise<Page | undefined> {
    return await withSession(harness.open(), async (session) => {
      const partition = { id: 'all', bounds: null }
      for await (const page of session.read({ ...operation(), partition, after, page: { records: 4, bytes: roomy } })) {
        page.rows()
        page.keys()
        return page
      }
      return undefined
    })
  }
}

function rowsOf(pages: readonly Page[]): Row[] {
  return pages.flatMap((page) => page.rows())
}

function identities(pages: readonly Page[]): string[] {
  return pages.flatMap((page) => page.rows().map((row, i) => `${canonical(page.keys()[i]?.source)} ${canonical(row)}`))
}

function isAmong(records: readonly Row[], record: Row): boolean {
  return records.some((other) => canonical(other) === canonical(record))
}

function missing(expected: readonly Row[], actual: readonly Row[]): string[] {
  return differences(expected, actual, { duplicates: true }).filter((line) => line.startsWith('missing'))
}
