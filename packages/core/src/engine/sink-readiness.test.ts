import { describe, expect, it } from 'vitest'
import type { RecordSchema } from '../contracts/schema.js'
import { dryRun } from '../dry-run/dry-run.js'
import { from } from '../flow/flow.js'
import { memorySink } from '../memory/memory-sink.js'
import { memorySource } from '../memory/memory-source.js'
import { runPipeline } from './run-pipeline.js'
import { source, withReading, withSession } from './testing/rigs.js'

interface Message {
  readonly id: bigint
  readonly part: string
}

const records: Message[] = Array.from({ length: 50 }, (_, i) => ({ id: 2n ** 60n + BigInt(i), part: `p${i}` }))

/** The key that a sink is told of records behind such a step. */
async function keyBehind(step: (record: Message) => object | readonly object[] | null): Promise<readonly string[]> {
  let told: RecordSchema | undefined
  const sink = withSession(memorySink<object>(), () => ({
    prepare: async (schema: RecordSchema) => {
      told = schema
    },
  }))
  await runPipeline({ name: 'keyed', source: from(memorySource({ records, key: ['id', 'part'] })).pipe(step), sink })
  return told?.key ?? ['not told']
}

it.each<[string, (record: Message) => object | readonly object[] | null, readonly string[]]>([
  ['is the source’s where records keep it', (record) => ({ ...record, more: 1 }), ['id', 'part']],
  ['is the source’s where some are left out', (record) => (record.id % 2n === 0n ? null : record), ['id', 'part']],
  ['is none where one has another', (record) => (record.part === 'p49' ? { ...record, part: 'p0' } : record), []],
  ['is none where it is another type', (record) => ({ ...record, id: Number(record.id) }), []],
  ['is none where a field of it is gone', ({ id }) => ({ id }), []],
  ['is none where a record becomes two rows', (record) => (record.part === 'p7' ? [record, record] : record), []],
])('the key of records behind a plain function %s', async (_, step, key) => {
  expect(await keyBehind(step)).toEqual(key)
})

describe('a sink that wants a sample', () => {
  interface Asked {
    readonly sampleRecords?: number
    readonly batchSize?: number
    readonly count?: number
    readonly step?: (record: { id: number }) => object | null
  }
  /** Records without a described schema: the first 2,500 have no `late`. */
  function asking({ sampleRecords, batchSize = 10_000, count = 4_000, step = late }: Asked) {
    const told: RecordSchema[] = []
    const kept = memorySink<object>()
    const { store } = kept
    const sink = withSession(kept, () => ({
      ...(sampleRecords === undefined ? {} : { sampleRecords }),
      check: () => [],
      prepare: async (schema) => {
        told.push(schema)
      },
    }))
    const unknown = withReading(source(count), () => ({ describe: async () => ({ fields: [], key: [] }) }))
    return { told, options: { name: 'sampled', source: from(unknown).pipe(step), sink, batchSize }, store }
  }
  const late = ({ id }: { id: number }) => (id <= 2_500 ? { id } : { id, late: true })
  const names = (told: readonly RecordSchema[]) => told.map(({ fields }) => fields.map(({ name }) => name))

  it.each<[string, Asked, readonly string[]]>([
    ['gets the first page if it names no number', {}, ['id']],
    ['gets so many records and no more', { sampleRecords: 2_500 }, ['id']],
    ['gets one more', { sampleRecords: 2_501 }, ['id', 'late']],
    ['gets the whole batch if that has fewer', { sampleRecords: 3_000, batchSize: 2_000 }, ['id']],
    ['gets the whole source if that has fewer', { sampleRecords: 100_000 }, ['id', 'late']],
    [
      'gets so many that came through',
      { sampleRecords: 500, step: (record) => (record.id <= 2_400 ? null : late(record)) },
      ['id', 'late'],
    ],
  ])('%s', async (_, asked, fields) => {
    const { told, options, store } = asking(asked)
    const report = await runPipeline(options)
    expect(names(told)).toEqual([fields])
    expect(report.counts.written).toBe(store.rows.length)
    expect(report.counts.read).toBe(4_000)
    expect(new Set(store.rows.map((row) => (row as { id: number }).id)).size).toBe(report.counts.written)
  })

  it('prepares nothing where no record comes through', async () => {
    const { told, options } = asking({ sampleRecords: 10, step: () => null })
    await runPipeline(options)
    expect(told).toEqual([])
  })

  it('stays within the memory that a run may take', async () => {
    const { told, options } = asking({ sampleRecords: 4_000 })
    await runPipeline({ ...options, maxInFlightBytes: 20_000 })
    expect(names(told)).toEqual([['id']])
  })

  it('gets it in a dry run, too', async () => {
    const told: RecordSchema[] = []
    const { options } = asking({ sampleRecords: 2_501 })
    const sink = withSession(memorySink<object>(), () => ({
      sampleRecords: 2_501,
      check: (schema: RecordSchema) => {
        told.push(schema)
        return []
      },
    }))
    const report = await dryRun({ ...options, sink })
    expect(report.problems).toEqual([])
    expect(names(told)).toEqual([['id', 'late']])
  })
})
