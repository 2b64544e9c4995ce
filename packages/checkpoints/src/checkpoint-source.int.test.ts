import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memorySource, memoryStateStore, runPipeline } from '@drover/core'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { checkpointSink } from './checkpoint-sink.js'
import { type CheckpointSourceOptions, checkpointSource } from './checkpoint-source.js'
import { checkpoint } from './export/testing/records.js'
import { copyStore } from './layouts/sql/testing/fixtures.js'
import type { StorePlace } from './layouts/store-place.js'
import type { CheckpointRecord } from './records/checkpoint-record.js'
import { readRecords } from './testing/read-records.js'

let folder = ''
let place: StorePlace & { readonly type: 'sqlite' } = { type: 'sqlite', filename: '' }
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drover-source-'))
  place = { type: 'sqlite', filename: join(folder, 'checkpoints.db') }
  await copyStore('sqlite', place.filename)
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

async function threads(filters: CheckpointSourceOptions['filters']): Promise<Record<string, number>> {
  const { records, rejected } = await readRecords(checkpointSource({ place, ...(filters && { filters }) }), 4)
  expect(rejected).toEqual([])
  const counts: Record<string, number> = {}
  for (const record of records as CheckpointRecord[]) {
    counts[record.thread_id] = (counts[record.thread_id] ?? 0) + 1
  }
  return counts
}

describe('checkpoints of some threads, or of some time', () => {
  it('are those of a thread, of a pattern, and without others', async () => {
    const all = await threads(undefined)
    expect(Object.keys(all)).toEqual(['customer-1', 'customer|2:odd', 'Ж-3'])
    expect(await threads({ thread_id: 'Ж-3' })).toEqual({ 'Ж-3': all['Ж-3'] })
    expect(await threads({ thread_pattern: 'customer*', exclude_threads: ['*odd'] })).toEqual({
      'customer-1': all['customer-1'],
    })
  })

  it('are those between two instants, themselves with them', async () => {
    const { records } = await readRecords(checkpointSource({ place, layout: 'langgraph-sqlite' }))
    const times = records.map(({ timestamp }) => timestamp as string).sort()
    const [from, to] = [times[3] as string, times[7] as string]
    const some = await threads({ date_from: from, date_to: to })
    expect(Object.values(some).reduce((sum, count) => sum + count, 0)).toBe(
      times.filter((time) => time >= from && time <= to).length,
    )
    expect(await threads({ date_to: '2001-01-01' })).toEqual({})
  })

  it('are dead letters where their time is none, if dates choose among them', async () => {
    const odd: StorePlace = { type: 'sqlite', filename: join(folder, 'odd.db') }
    const times = ['2025-01-31T08:30:00Z', 'yesterday', '2025-01-31', '2025-02-31T08:30:00Z', '2099-01-01T00:00:00Z']
    const records = times.map((ts, i) => checkpoint(`id-${i}`, { state: { checkpoint: { v: 4, ts }, channels: {} } }))
    const other = checkpoint('id-0', { thread_id: 'other', state: { checkpoint: { v: 4, ts: 'never' }, channels: {} } })
    await runPipeline({
      name: 'odd',
      source: memorySource({ records: [...records, other], key: ['thread_id', 'checkpoint_ns', 'checkpoint_id'] }),
      sink: checkpointSink({ place: odd, layout: 'langgraph-sqlite' }) as never,
      state: memoryStateStore(),
    })
    const read = (filters: CheckpointSourceOptions['filters'], size: number) =>
      readRecords(checkpointSource({ place: odd, ...(filters && { filters }) }), size)
    expect((await read(undefined, 4)).records).toHaveLength(6)
    for (const size of [1, 4, 100]) {
      const { records: found, rejected } = await read({ thread_id: 't', date_to: '2025-12-31' }, size)
      expect(found.map((record) => (record as CheckpointRecord).checkpoint_id)).toEqual(['id-0'])
      expect(rejected.map(({ key }) => key?.[2])).toEqual(['id-1', 'id-2', 'id-3'])
      expect(rejected[0]?.error).toMatchObject({
        code: 'RECORD_UNREADABLE',
        message: expect.stringContaining('yesterday'),
      })
    }
  })

  it('are counted as far as the store can, and copied once', async () => {
    const source = checkpointSource({ place, filters: { thread_pattern: 'customer-*' } })
    const target: StorePlace = { type: 'sqlite', filename: join(folder, 'some.db') }
    const sink = checkpointSink({ place: target, layout: 'langgraph-sqlite' })
    const report = await runPipeline({ name: 'some', source, sink: sink as never, state: memoryStateStore() })
    expect(report.counts).toMatchObject({ read: 5, inserted: 5, filtered: 0 })
  })
})

describe('options that make no sense', () => {
  const made = (options: object) => () => checkpointSource(options as CheckpointSourceOptions)

  it('are refused before anything is opened', () => {
    expect(made({})).toThrow(/place says where the store is/)
    expect(made({ place: { type: 'mongo' } })).toThrow(/place\.type is 'postgres' or 'sqlite'/)
    expect(made({ place: { type: 'sqlite', filename: '' } })).toThrow(/place\.filename is a text/)
    expect(made({ place, tabel: 'x' })).toThrow(/no option "tabel"; did you mean "table"/)
    expect(made({ place, schema: 'x' })).toThrow(/schema is an option of PostgreSQL/)
    expect(made({ place, keyPrefix: 'x' })).toThrow(/keyPrefix is an option of Redis/)
    expect(made({ place, layout: 'langgraph-sqllite' })).toThrow(/did you mean "langgraph-sqlite"/)
    expect(made({ place, layout: 'langgraph-postgres' })).toThrow(
      /lies in postgres, and the place given is of the type sqlite/,
    )
    expect(made({ place, layout: 'langgraph-sqlite', table: 'notes' })).toThrow(
      /table is an option of "langchain-postgres" and "langchain-sqlite", and the layout is "langgraph-sqlite"/,
    )
    expect(made({ place, filters: { date_from: 'yesterday' } })).toThrow(/yesterday/)
    expect(() => checkpointSink({ place })).toThrow(/say with layout how the data is to lie there.*langgraph-sqlite/)
  })
})

test.each([
  [{ sessions: 'uuid' }, /sessions is an option of "langchain-postgres", and the layout is "langgraph-sqlite"/],
  [{ table: 'notes' }, /table is an option of "langchain-postgres" and "langchain-sqlite"/],
  [{ dimensions: 3 }, /dimensions is an option of "unified-qdrant"/],
  [{ onConflict: { merge: ['metadata'] } }, /onConflict is 'error' or 'skip' or 'update'/],
])('an option that the layout does not have is refused: %o', (options, message) => {
  const given = { place, layout: 'langgraph-sqlite', ...options } as never
  expect(() => checkpointSink(given)).toThrow(message)
})
