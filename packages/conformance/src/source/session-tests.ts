import { describe, expect, test } from 'vitest'
import { differences } from '../support/differences.js'
import { operation } from '../support/operation.js'
import { shapeOf } from '../support/shapes.js'
import { anyPage, readPages, readRows, whole, withSession } from './read-all.js'
import type { SourceHarness, SourceHarnessFactory } from './source-harness.js'

/** Descriptions and sessions: what they offer, side by side, broken off, disposed of. */
export function sessionTests({ capabilities, create }: SourceHarnessFactory): void {
  const shape = shapeOf(capabilities.keys[0] ?? 'int')
  const records = shape.records(30)

  async function filled(): Promise<SourceHarness> {
    const harness = await create(shape.schema)
    await harness.seed(records)
    return harness
  }

  describe('its description', () => {
    test('names itself and says whether it repeats', async () => {
      await using harness = await create(shape.schema)
      const source = harness.open()
      expect(source.specVersion).toBe(1)
      expect(source.name).not.toBe('')
      expect(source.repeats ?? false).toBe(capabilities.repeats ?? false)
    })

    test('has the same name and version whenever it is made, so that a run can be resumed', async () => {
      await using harness = await filled()
      const [one, other] = [harness.open(), harness.open()]
      expect([other.name, other.version]).toEqual([one.name, one.version])
    })

    test('is used again after its session was disposed of', async () => {
      await using harness = await filled()
      const source = harness.open()
      const first = await withSession(source, readRows)
      expect(differences(first, await withSession(source, readRows))).toEqual([])
    })
  })

  describe('a session', () => {
    test('has those optional methods that its harness declares', async () => {
      await using harness = await filled()
      await withSession(harness.open(), async (session) => {
        expect({
          count: session.count !== undefined,
          partition: session.partition !== undefined,
          split: session.split !== undefined,
          pushDown: session.pushDown !== undefined,
        }).toEqual({
          count: (capabilities.count ?? 'none') !== 'none',
          partition: capabilities.partitions ?? false,
          split: capabilities.split ?? false,
          pushDown: capabilities.pushDown ?? false,
        })
      })
    })

    test('describes the fields and the key of its records', async () => {
      await using harness = await filled()
      const described = await withSession(harness.open(), (session) => session.describe(operation()))
      expect(described.key).toEqual(shape.schema.key)
      if (described.fields.length === 0) return // Known only while reading.
      const names = described.fields.map((field) => field.name)
      expect(names).toEqual(expect.arrayContaining(shape.schema.fields.map((field) => field.name)))
    })

    test('reads an empty store to its end', async () => {
      await using harness = await create(shape.schema)
      expect(await withSession(harness.open(), readRows)).toEqual([])
    })

    test('does not disturb another one that reads at the same time', async () => {
      await using harness = await filled()
      const source = harness.open()
      await using one = await source.connect(operation())
      await using other = await source.connect(operation())
      const page = { records: 4, bytes: 1_000_000 }
      const [first, second] = await Promise.all([readRows(one, { page }), readRows(other, { page })])
      expect(differences(records, first)).toEqual([])
      expect(differences(records, second)).toEqual([])
    })

    test('reads several times at once', async () => {
      await using harness = await filled()
      await withSession(harness.open(), async (session) => {
        const reads = [3, 4, 5].map((size) => readRows(session, { page: { records: size, bytes: 1_000_000 } }))
        for (const rows of await Promise.all(reads)) expect(differences(records, rows)).toEqual([])
      })
    })

    test('is free for other work after a loop over its pages was left early', async () => {
      await using harness = await filled()
      await withSession(harness.open(), async (session) => {
        for (let i = 0; i < 40; i++) {
          const options = { ...operation(), partition: whole, after: null, page: { records: 1, bytes: 1_000_000 } }
          for await (const page of session.read(options)) {
            expect(page.count).toBe(1)
            break
          }
        }
        expect(differences(records, await readRows(session))).toEqual([])
      })
    })

    test('closes while a read of it stands half way', async () => {
      await using harness = await filled()
      const session = await harness.open().connect(operation())
      const options = { ...operation(), partition: whole, after: null, page: { records: 1, bytes: 1_000_000 } }
      const pages = session.read(options)[Symbol.asyncIterator]()
      await pages.next()
      await pages.return?.()
      await session[Symbol.asyncDispose]()
      await harness.seed([])
      expect(differences(records, await withSession(harness.open(), readRows))).toEqual([])
    })

    test('is disposed of twice', async () => {
      await using harness = await filled()
      const session = await harness.open().connect(operation())
      await session[Symbol.asyncDispose]()
      await expect(session[Symbol.asyncDispose]()).resolves.toBeUndefined()
    })
  })

  describe('an aborted signal', () => {
    test('ends a read before its first page', async () => {
      await using harness = await filled()
      await withSession(harness.open(), async (session) => {
        const options = { partition: whole, after: null, page: anyPage, signal: AbortSignal.abort() }
        await expect(drain(session.read(options))).rejects.toThrow()
      })
    })

    test('ends a read under way long before the last page', async () => {
      await using harness = await create(shape.schema)
      // More than a source holds at once: what it has read already it may give.
      const many = shape.records(4_000).map((record) => ({ ...record, name: 'x'.repeat(2_000) }))
      await harness.seed(many)
      await withSession(harness.open(), async (session) => {
        const controller = new AbortController()
        const page = { records: 10, bytes: 1_000_000 }
        let pages = 0
        const reading = async () => {
          for await (const _ of session.read({ partition: whole, after: null, page, signal: controller.signal })) {
            if (++pages === 2) controller.abort()
          }
        }
        await expect(reading()).rejects.toThrow()
        expect(pages).toBeLessThan(many.length / 10)
        expect(await readRows(session)).toHaveLength(many.length)
      })
    })
  })

  if (capabilities.unreadable === true) {
    test('a record that cannot be decoded is among the rejected ones of its page, and the others arrive', async () => {
      await using harness = await filled()
      const spoiled = records[11] as (typeof records)[number]
      const key = await harness.spoil?.(spoiled)
      const others = records.filter((record) => record !== spoiled)
      await withSession(harness.open(), async (session) => {
        const pages = await readPages(session, { page: { records: 4, bytes: 1_000_000 } })
        expect(
          differences(
            others,
            pages.flatMap((page) => page.rows()),
          ),
        ).toEqual([])
        const rejected = pages.flatMap((page) => page.rejected ?? [])
        expect(rejected.map((reject) => reject.key)).toEqual([key])
        for (const page of pages) expect(page.count).toBe(page.rows().length + (page.rejected?.length ?? 0))
        expect(pages.reduce((count, page) => count + page.count, 0)).toBe(records.length)
      })
    })
  }
}

async function drain(pages: AsyncIterable<unknown>): Promise<number> {
  let count = 0
  for await (const _ of pages) count++
  return count
}
