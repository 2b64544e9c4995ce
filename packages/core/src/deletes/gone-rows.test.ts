import { expect, test } from 'vitest'
import type { Warning } from '../contracts/report.js'
import type { Row } from '../contracts/values.js'
import { from } from '../flow/flow.js'
import { memorySource } from '../memory/memory-source.js'
import { GoneRows } from './gone-rows.js'
import { KnownKeys } from './known-keys.js'

const rows = (from: number, to: number): Row[] => Array.from({ length: to - from + 1 }, (_, i) => ({ id: from + i }))
const sourceOf = (records: readonly Row[]) => memorySource<Row>({ records, key: 'id' })

async function goneOf(expected: readonly Row[], actual: readonly Row[], mostKeys: number) {
  const warnings: Warning[] = []
  await using gone = new GoneRows({
    where: 'copy',
    expected: from(sourceOf(expected)),
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
  return { ids: all.map(({ id }) => Number(id)).sort((a, b) => a - b), warnings }
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
