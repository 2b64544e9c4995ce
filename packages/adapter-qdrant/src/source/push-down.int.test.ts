import { compileFilter, type Filter, type Row } from '@drover/core'
import { useQdrant } from '@drover-internal/qdrant-server/vitest'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import type { PointId } from '../wire/wire-point.js'
import { filterFields, isPayloadField, payloadPath, valueAt } from './payload-path.js'
import type { QdrantRecord } from './qdrant-record.js'
import { qdrantSource } from './qdrant-source.js'
import { putPoints } from './testing/points.js'
import { operation, readPages, readSource } from './testing/read-source.js'

const uuid = '6f1d5e0a-3c55-4a3b-9d5b-0e6b1f0c7d21'
const big = 9_007_199_254_740_993n
const values = [
  ...[null, true, false, 0, 1, 3, -1.5, 2.5, 3.5, 1e300, big, 2n ** 63n, '', 'a', 'A', '3', 'x"y', uuid],
  ...['2024-01-01', '2024-01-01T00:00:00Z', '2024-01-01 01:00:00+01:00'],
]
const scalar = fc.constantFrom<unknown>(...values)
const value = fc.oneof(
  { weight: 4, arbitrary: scalar },
  fc.array(scalar, { maxLength: 3 }),
  fc.dictionary(fc.constantFrom('a', 'b'), fc.oneof(scalar, fc.array(scalar, { maxLength: 2 })), { maxKeys: 2 }),
)
const payloads = fc.array(fc.dictionary(fc.constantFrom('a', 'b', 'first.name', 'n'), value), {
  minLength: 150,
  maxLength: 150,
})
const ids: readonly PointId[] = [0, 1, 3, 5, big, 2n ** 63n, 2n ** 64n - 1n, uuid]

const operand = fc.constantFrom(...values.filter((one) => one !== null), ...ids, 2 ** 53, 3.2, new Date('2024-01-01'))
const condition = fc.oneof(
  fc.tuple(fc.constantFrom('eq', 'eq', 'ne', 'gt', 'gte', 'lt', 'lte'), operand),
  fc.tuple(fc.constantFrom('in', 'nin'), fc.array(operand, { maxLength: 3 })),
  fc.tuple(fc.constant('isNull'), fc.boolean()),
  fc.tuple(fc.constantFrom('like', 'glob'), fc.constantFrom('a', '%', '*')),
)
const field = fc.constantFrom('id', 'payload.a', 'payload.a', 'payload.n.a', 'payload."first.name"', 'payload.none')
const leaf = fc
  .tuple(field, fc.array(condition, { minLength: 1, maxLength: 2 }))
  .map(([name, conditions]) => ({ [name]: Object.fromEntries(conditions) }) as Filter)
const { filter } = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 3, arbitrary: leaf },
    fc.record({ and: fc.array(tie('filter'), { maxLength: 3 }) }),
    fc.record({ or: fc.array(tie('filter'), { maxLength: 3 }) }),
    fc.record({ not: tie('filter') }),
  ),
}))

/** What the filter means, by the engine's own words. */
function kept(records: readonly QdrantRecord[], wanted: Filter): QdrantRecord[] {
  const test = compileFilter(wanted)
  const fields = filterFields(wanted).filter(isPayloadField)
  return records.filter((record) => {
    const looked: Row = { id: record.id }
    for (const name of fields) looked[name] = valueAt(record.payload, payloadPath(name))
    return test(looked)
  })
}

const qdrant = useQdrant()

describe.each([
  ['without indexes', {}],
  ['with indexes of integers', { a: 'integer', 'n.a': 'integer', '"first.name"': 'integer' }],
  ['with indexes of texts', { a: 'keyword', 'n.a': 'keyword', '"first.name"': 'keyword' }],
  ['with other indexes', { a: 'uuid', 'n.a': 'float', '"first.name"': 'text' }],
] as const)('conditions %s', (_, indexes) => {
  let collection: string
  let all: QdrantRecord[]
  const source = (where?: Filter) =>
    qdrantSource({ url: qdrant.url, apiKey: qdrant.apiKey, collection, ...(where && { where }) })

  beforeAll(async () => {
    collection = qdrant.collection()
    await qdrant.client.createCollection(collection, { vectors: {} })
    for (const [name, kind] of Object.entries(indexes)) {
      await qdrant.client.createPayloadIndex(collection, { field_name: name, field_schema: kind, wait: true })
    }
    const [made = []] = fc.sample(payloads, { numRuns: 1, seed: 7 })
    const points = made.map((payload, i) => ({ id: ids[i] ?? i + 100, payload: payload as Row }))
    await putPoints(qdrant, collection, points)
    all = await readSource(source())
    expect(all).toHaveLength(points.length)
  })

  test('keep what the engine keeps, whatever Qdrant does with them', async () => {
    await fc.assert(
      fc.asyncProperty(filter, async (where) => {
        expect(await readSource(source(where))).toEqual(kept(all, where))
      }),
      { numRuns: 40 },
    )
  })

  test.each<Filter>([
    { 'payload.a': { eq: '2024-01-01T00:00:00Z' } },
    { 'payload.a': { in: ['a', '2024-01-01T00:00:00Z'] } },
    { 'payload.a': { in: ['a', 'a'] } },
    { 'payload.a': { gt: 2.4, lt: 3.6 } },
    { 'payload.n.a': { lte: big } },
    { 'payload."first.name"': { eq: uuid.toUpperCase() } },
  ])('keep what the engine keeps of awkward ones: %o', async (where) => {
    expect(await readSource(source(where))).toEqual(kept(all, where))
  })

  test('that are pushed down leave nothing out, and are counted as they are read', async () => {
    await using session = await source().connect(operation)
    await fc.assert(
      fc.asyncProperty(filter, async (wanted) => {
        const { pushed, rest } = session.pushDown?.(wanted) ?? {}
        if (pushed === undefined) return
        const read = (await readPages(session, { filter: pushed })).flatMap((page) => page.rows())
        expect(rest === undefined ? read : kept(read, rest)).toEqual(kept(all, wanted))
        const count = await session.count?.({ ...operation, filter: pushed })
        if (count?.exact) expect(count.value).toBe(read.length)
        else expect(count?.value).toBeGreaterThanOrEqual(read.length)
      }),
      { numRuns: 40 },
    )
  })
})

describe('conditions', () => {
  test('on ids are asked of Qdrant alone, those by order as a part of the scroll', async () => {
    const collection = qdrant.collection()
    await qdrant.client.createCollection(collection, { vectors: {} })
    await putPoints(qdrant, collection, [...Array.from({ length: 50 }, (_, id) => ({ id })), { id: uuid }])
    await using session = await qdrantSource({ url: qdrant.url, collection }).connect(operation)
    const where: Filter = { and: [{ id: { gte: 10, lt: 15 } }, { id: { ne: 12 } }] }
    const { pushed, rest } = session.pushDown?.(where) ?? {}
    expect(rest).toBeUndefined()
    const pages = await readPages(session, { ...(pushed && { filter: pushed }) })
    expect(pages.flatMap((page) => page.rows().map(({ id }) => id))).toEqual([10, 11, 13, 14])
    expect(session.pushDown?.({ 'payload.role': { eq: 'a' } })).toEqual({
      pushed: { 'payload.role': { eq: 'a' } },
      rest: { 'payload.role': { eq: 'a' } },
    })
    expect(session.pushDown?.({ 'payload.role': { like: 'a%' } }).pushed).toBeUndefined()
  })
})
