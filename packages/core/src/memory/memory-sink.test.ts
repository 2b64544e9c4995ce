import { expect, test } from 'vitest'
import type { Commit, Position } from '../contracts/position.js'
import type { CommitBatch, Outcome } from '../contracts/sink.js'
import { memoryAckSink } from './memory-ack-sink.js'
import { MemoryPage } from './memory-page.js'
import { type MemorySink, memorySink } from './memory-sink.js'
import { memoryStore } from './memory-store.js'

const operation = { signal: new AbortController().signal }
const partition = { id: 'all', bounds: null }
const counts = { read: 0, written: 0, filtered: 0, rejected: 0, emitted: 0, inserted: 0, updated: 0, skipped: 0 }

interface Item {
  readonly id: number
  readonly text?: string
}

interface TestBatch extends CommitBatch<Item> {
  outcome?: Outcome
}

/** A batch of pages, committed under `fence`. */
function batchOf(pages: readonly (readonly Item[])[], sequence = 1, fence = 1, hold?: () => Promise<void>): TestBatch {
  const batch: TestBatch = {
    partition,
    sequence,
    async *[Symbol.asyncIterator]() {
      for (const records of pages) yield new MemoryPage({ records, from: 0, to: records.length, key: ['id'] }, null, 0)
    },
    commit: async (outcome): Promise<Commit> => {
      batch.outcome = outcome
      await hold?.()
      return { run: 'r', partition, fence, sequence, cursor: sequence, done: false, counts }
    },
  }
  return batch
}

async function write(
  sink: MemorySink<Item>,
  batch: CommitBatch<Item>,
  mode: 'commit' | 'probe' = 'commit',
): Promise<void> {
  await using session = await sink.connect(operation)
  await session.write(batch, { ...operation, mode })
}

async function claim(sink: MemorySink<Item>, fence: number): Promise<Position | null> {
  await using session = await sink.connect(operation)
  return session.claim({ run: 'r', partition, fence }, operation)
}

test('rows and position are there together, and the next claim gives the position back', async () => {
  const sink = memorySink<Item>()
  expect(await claim(sink, 1)).toBeNull()
  await write(sink, batchOf([[{ id: 1 }], [], [{ id: 2 }]]))
  await write(sink, batchOf([], 2))
  expect(sink.store.rows).toEqual([{ id: 1 }, { id: 2 }])
  expect(sink.store.positions).toMatchObject([{ sequence: 2, cursor: 2 }])
  expect(await claim(sink, 2)).toMatchObject({ sequence: 2, fence: 2 })
})

test('a second sink goes on in the same store', async () => {
  const store = memoryStore<Item>()
  await write(memorySink({ store }), batchOf([[{ id: 1 }]]))
  await write(memorySink({ store }), batchOf([[{ id: 2 }]], 2))
  expect(store.rows).toHaveLength(2)
})

test('refuses a sequence that is not the next one', async () => {
  const sink = memorySink<Item>()
  await write(sink, batchOf([[{ id: 1 }]]))
  for (const sequence of [1, 3]) {
    await expect(write(sink, batchOf([[{ id: 9 }]], sequence))).rejects.toMatchObject({ code: 'FENCED' })
  }
  expect(sink.store.rows).toEqual([{ id: 1 }])
})

test('a zombie that is taken over while it commits writes nothing', async () => {
  const sink = memorySink<Item>()
  await claim(sink, 1)
  let wake = (): void => {}
  const asleep = new Promise<void>((resolve) => {
    wake = resolve
  })
  const zombie = write(
    sink,
    batchOf([[{ id: 1 }]], 1, 1, () => asleep),
  )
  const refused = expect(zombie).rejects.toMatchObject({ code: 'FENCED' })
  await claim(sink, 2)
  wake()
  await refused
  expect(sink.store.rows).toEqual([])
  await write(sink, batchOf([[{ id: 2 }]], 1, 2))
  await expect(claim(sink, 1)).rejects.toMatchObject({ code: 'FENCED' })
  expect(sink.store.rows).toEqual([{ id: 2 }])
})

test('a probe leaves nothing and commits nothing', async () => {
  const sink = memorySink<Item>({ key: 'id', refuse: (row) => row.id === 7 })
  const batch = batchOf([[{ id: 1 }]])
  await write(sink, batch, 'probe')
  await expect(write(sink, batchOf([[{ id: 7 }]]), 'probe')).rejects.toMatchObject({ code: 'RECORD_REFUSED' })
  expect([batch.outcome, sink.store.rows, sink.store.positions]).toEqual([undefined, [], []])
})

test.each([
  ['error', undefined, [{ id: 1, text: 'old' }]],
  [
    'skip',
    { inserted: 1, updated: 0, skipped: 2 },
    [
      { id: 1, text: 'old' },
      { id: 2, text: 'a' },
    ],
  ],
  [
    'update',
    { inserted: 1, updated: 2, skipped: 0 },
    [
      { id: 1, text: 'new' },
      { id: 2, text: 'b' },
    ],
  ],
] as const)('a row that is there already: %s', async (onConflict, outcome, rows) => {
  const sink = memorySink<Item>({ key: 'id', onConflict })
  await write(sink, batchOf([[{ id: 1, text: 'old' }]]))
  const batch = batchOf(
    [
      [{ id: 1, text: 'new' }],
      [
        { id: 2, text: 'a' },
        { id: 2, text: 'b' },
      ],
    ],
    2,
  )
  const written = write(sink, batch)
  if (outcome === undefined) await expect(written).rejects.toMatchObject({ code: 'RECORD_REFUSED', row: 0 })
  else await written
  expect(batch.outcome).toEqual(outcome)
  expect(sink.store.rows).toEqual(rows)
})

test.each([true, false])('a refused row leaves nothing of its batch (tells which: %s)', async (tellsRow) => {
  const sink = memorySink<Item>({ refuse: (row) => row.id === 7, tellsRow })
  const batch = batchOf([
    [{ id: 1 }, { id: 2 }],
    [{ id: 3 }, { id: 7 }],
  ])
  const error = await write(sink, batch).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'RECORD_REFUSED' })
  expect((error as { row?: number }).row).toBe(tellsRow ? 3 : undefined)
  expect([batch.outcome, sink.store.rows, sink.store.positions]).toEqual([undefined, [], []])
})

test('a deferred refusal comes after the position was given, and leaves nothing all the same', async () => {
  const sink = memorySink<Item>({ refuse: (row) => row.id === 7, deferred: true })
  const batch = batchOf([[{ id: 1 }, { id: 7 }]])
  await expect(write(sink, batch)).rejects.toMatchObject({ code: 'RECORD_REFUSED', row: 1 })
  expect([batch.outcome?.inserted, sink.store.rows, sink.store.positions]).toEqual([2, [], []])
  await expect(write(sink, batchOf([[{ id: 7 }]]), 'probe')).rejects.toMatchObject({ code: 'RECORD_REFUSED' })
})

test('a row without its key is refused', async () => {
  const sink = memorySink<Item>({ key: 'id', onConflict: 'skip' })
  const records = [{ id: 1 }, {} as Item]
  await expect(write(sink, batchOf([records]))).rejects.toMatchObject({ code: 'RECORD_REFUSED', row: 1 })
})

test('counts that another partition made wrong meanwhile are not stored', async () => {
  const sink = memorySink<Item>({ key: 'id', onConflict: 'update' })
  const other = { ...batchOf([[{ id: 1, text: 'other' }]]), partition: { id: 'b', bounds: null } }
  const commit = other.commit
  other.commit = async (outcome) => ({ ...(await commit(outcome)), partition: other.partition })
  const batch = batchOf([[{ id: 1, text: 'mine' }]], 1, 1, () => write(sink, other))
  await expect(write(sink, batch)).rejects.toMatchObject({ code: 'STORE_BUSY', isRetryable: true })
  expect(sink.store.rows).toEqual([{ id: 1, text: 'other' }])
  await write(sink, batchOf([[{ id: 1, text: 'mine' }]]))
  expect(sink.store.rows).toEqual([{ id: 1, text: 'mine' }])
})

test('what is in the store cannot be changed from outside', async () => {
  const row = { id: 1, tags: ['a'], bytes: Buffer.from('ab'), deep: { at: new Date(0) }, vector: Float32Array.of(1) }
  const sink = memorySink<Item>()
  await write(sink, batchOf([[row]]))
  const before = structuredClone(sink.store.rows)
  row.tags.push('b')
  row.bytes[0] = 0
  row.deep.at.setTime(1)
  row.vector[0] = 2
  expect(sink.store.rows).toEqual(before)
})

test('reads back what it wrote', async () => {
  const sink = memorySink<Item>({ key: 'id' })
  const batch = batchOf([[{ id: 1 }, { id: 2 }]])
  await write(sink, batch)
  await using session = await sink.connect(operation)
  const back = await session.readBack?.().connect(operation)
  expect(await back?.count?.(operation)).toEqual({ value: 2, exact: true })
})

test('keeps the run beside the rows, with its position', async () => {
  const sink = memorySink<Item>()
  const state = sink.stateStore?.()
  const run = await state?.open({ name: 'n', fingerprint: null, partitions: [partition], follows: null }, operation)
  const batch = batchOf([[{ id: 1 }]])
  const commit = batch.commit
  batch.commit = async (outcome) => ({ ...(await commit(outcome)), run: run?.run ?? '' })
  await write(sink, batch)
  expect(await state?.load('n', operation)).toMatchObject({ positions: [{ sequence: 1 }] })
})

test('acknowledges page by page: what was written before a refusal stays', async () => {
  const sink = memoryAckSink<Item>({ refuse: (row) => row.id === 7 })
  await using session = await sink.connect(operation)
  const pages = [[{ id: 1 }], [{ id: 2 }, { id: 7 }]]
  await expect(session.write(batchOf(pages), operation)).rejects.toMatchObject({ code: 'RECORD_REFUSED', row: 2 })
  expect(sink.store.rows).toEqual([{ id: 1 }])
  expect(await session.write(batchOf([[{ id: 1, text: 'again' }, { id: 2 }]]), operation)).toEqual({
    inserted: 1,
    updated: 1,
    skipped: 0,
  })
  expect(sink.store.rows).toEqual([{ id: 1, text: 'again' }, { id: 2 }])
})

test('without a key every row is added', async () => {
  const sink = memoryAckSink<Item>({ guarantee: 'at-least-once', inFlight: 3 })
  await using session = await sink.connect(operation)
  for (let i = 0; i < 2; i++) await session.write(batchOf([[{ id: 1 }]]), operation)
  expect([sink.inFlight, sink.store.rows.length]).toEqual([3, 2])
})

test('refuses wrong options', () => {
  const refused = (make: () => unknown): void => {
    expect(make).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
  }
  refused(() => memorySink({ onConflict: 'skip' }))
  refused(() => memorySink({ key: 'id', onConflict: 'merge' as never }))
  refused(() => memorySink({ keys: 'id' } as never))
  refused(() => memorySink({ store: { rows: [] } as never }))
  refused(() => memoryAckSink({ guarantee: 'exactly-once' as never }))
  refused(() => memoryAckSink({ inFlight: 0 }))
  const store = memoryStore()
  memorySink({ store, key: 'id' })
  refused(() => memorySink({ store, key: 'other' }))
  refused(() => memoryAckSink({ store }))
})
