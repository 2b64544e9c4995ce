import { expect, test } from 'vitest'
import type { Warning } from '../contracts/report.js'
import type { Row } from '../contracts/values.js'
import { from } from '../flow/flow.js'
import { memorySource } from '../memory/memory-source.js'
import { GoneRows } from './gone-rows.js'
import { KnownKeys } from './known-keys.js'

const rows = (from: number, to: number): Row[] => Array.from({ length: to - from + 1 }, (_, i) => ({ id: from + i }))
const sourceOf = (records: readonly Row[]) => memorySource<Row>({ records, key: 'id' })

async function goneOf<T = number>(
  expected: readonly Row[],
  actual: readonly Row[],
  mostKeys: number,
  shown: (id: unknown) => T = Number as unknown as (id: unknown) => T,
  key = 'id',
) {
  const warnings: Warning[] = []
  await using gone = new GoneRows({
    where: 'copy',
    expected: from(memorySource<Row>({ records: expected, key })),
    actual: sourceOf(actual),
    wanted: { removing: { kind: 'delete' }, allowEmpty: false },
    runStartedAt: new Date(0),
    warn: (warning) => warnings.push(warning),
    mostKeys,
  })
  const all: Row[] = []
  const { signal } = new AbortController()
  const whole = { after: null, partition: { id: 'x', bounds: null }, page: { records: 50, bytes: 1e6 }, signal }
  for await (const page of gone.read(whole)) {
    expect(page.count).toBeLessThanOrEqual(50)
    all.push(...page.rows())
  }
  return { ids: all.map(({ id }) => shown(id)).sort((a, b) => (a < b ? -1 : 1)), warnings }
}

test.each([1, 100, 999, 5_000])(
  'finds every row that is gone, and no other, with room for %i keys at once',
  async (room) => {
    const expected = rows(1, 3_000).filter(({ id }) => Number(id) % 7 !== 0)
    const { ids, warnings } = await goneOf([...expected, ...rows(5_000, 5_010)], rows(1, 3_200), Math.max(room, 50))
    const wanted = rows(1, 3_200).flatMap(({ id }) => (Number(id) % 7 === 0 || Number(id) > 3_000 ? [Number(id)] : []))
    expect(ids).toEqual(wanted)
    expect(warnings).toEqual([])
  },
)

test('keys of one value are the same whatever type they have on either side', async () => {
  const expected = rows(1, 10).map(({ id }) => ({ id: BigInt(id as number) }))
  expect((await goneOf(expected, rows(1, 12), 100)).ids).toEqual([11, 12])
})

test('leaves all alone where no key is the same: they are of different forms, rather than all gone', async () => {
  const { ids, warnings } = await goneOf(
    rows(1, 10),
    rows(1, 10).map(({ id }) => ({ id: `#${id}` })),
    100,
  )
  expect(ids).toEqual([])
  expect(warnings).toMatchObject([{ code: 'DELETES', message: expect.stringContaining('has the key of one') }])
})

test('knows which keys were met, beyond the room that it began with', () => {
  const keys = new KnownKeys()
  const hashes = Array.from({ length: 100_000 }, (_, i) => KnownKeys.hashOf(String(i)))
  for (const hash of hashes) keys.add(hash)
  keys.keep((hash) => hash % 2 === 0)
  const kept = hashes.filter((hash) => hash % 2 === 0)
  keys.close()
  for (const hash of kept.slice(0, 10)) keys.meet(hash)
  keys.meet(kept[0] as number)
  expect([keys.size, keys.matched]).toEqual([kept.length, 10])
  expect(kept.map((hash) => keys.wasMet(hash))).toEqual(kept.map((_, i) => i < 10))
  expect(keys.wasMet(hashes.find((hash) => hash % 2 === 1) as number)).toBeUndefined()
})

test('leaves a row alone whose key the store takes for that of a record', async () => {
  const keys = (...ids: string[]) => ids.map((id) => ({ id }))
  const { ids, warnings } = await goneOf(
    keys('Ann@x.org', 'bob ', 'CAFÉ', 'new', '{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}'),
    keys('ann@x.org', 'bob', 'café', 'gone', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11').map(({ id }) => ({ id })),
    100,
    String,
  )
  expect(ids).toEqual([])
  expect(warnings).toMatchObject([{ code: 'DELETES', message: expect.stringContaining('none of the rows') }])
  const met = await goneOf(keys('Ann', 'bob'), keys('ann', 'bob', 'gone'), 100, String)
  expect(met).toEqual({ ids: ['gone'], warnings: [] })
})

test.each([40, 100])(
  'leaves all alone if a key may stand there in another form, with room for %i keys at once',
  async (room) => {
    const expected = [...rows(1, 80), { id: '081' }]
    const { ids, warnings } = await goneOf(expected, rows(1, 90), room)
    expect(ids).toEqual([])
    expect(warnings).toMatchObject([{ code: 'DELETES', message: expect.stringContaining('another form') }])
  },
)

test('finds the key of a record by another spelling of its name', async () => {
  const expected = rows(1, 10).map(({ id }) => ({ ID: id }))
  expect((await goneOf(expected, rows(1, 12), 100, Number, 'ID')).ids).toEqual([11, 12])
})
