import { describe, expect, it } from 'vitest'
import type { ColumnWriter, Page } from '../contracts/page.js'
import type { RecordSchema } from '../contracts/schema.js'
import type { AckSink, Batch } from '../contracts/sink.js'
import type { Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import { type Flow, from } from '../flow/flow.js'
import { transformer } from '../flow/transformer-factory.js'
import { memorySink } from '../memory/memory-sink.js'
import { memoryStateStore } from '../state/memory-state-store.js'
import { runPipeline } from './run-pipeline.js'
import { columnFields, columnSource } from './testing/column-page.js'

interface PouringOptions {
  /** Ids of records whose text the sink does not take. */
  readonly refused?: readonly number[]
  /** Whether it says which row that was. */
  readonly tellsRow?: boolean
}

/** A sink that keeps columns and has no use for records; what a failed batch had poured is taken back. */
function pouringSink({ refused = [], tellsRow = true }: PouringOptions) {
  const columns: unknown[][] = columnFields.map(() => [])
  const lengths = (): number[] => columns.map(({ length }) => length)
  const texts = new Set(refused.map((id) => `text ${id}`))
  const into = columns.map((column, i) =>
    writerOf((value) => {
      if (columnFields[i] === 'text' && texts.has(String(value))) throw new RangeError(`not ${value}`)
      column.push(value)
    }),
  )
  const write = async (batch: Batch<Row>): Promise<number> => {
    const before = lengths()
    try {
      for await (const page of batch) {
        if (page.pour === undefined) throw new Error('a page that does not pour')
        page.pour({ fields: columnFields, into })
      }
      return (lengths()[0] as number) - (before[0] as number)
    } catch (error) {
      const row = Math.min(...columns.map(({ length }, i) => length - (before[i] as number)))
      for (const [i, column] of columns.entries()) column.length = before[i] as number
      if (!(error instanceof RangeError)) throw error
      throw new DroverError('RECORD_REFUSED', error.message, tellsRow ? { row } : {})
    }
  }
  const sink: AckSink<Row> = {
    specVersion: 1,
    name: 'pouring',
    guarantee: 'idempotent',
    connect: async () => ({
      takes: (page: Page) => page.pour !== undefined,
      check: () => [],
      write: async (batch) => ({ inserted: await write(batch), updated: 0, skipped: 0 }),
      [Symbol.asyncDispose]: async () => {},
    }),
  }
  // An acknowledging sink is given rows again while the one that it refuses is looked for.
  const rows = (): Row[] => {
    const byId = new Map<unknown, Row>()
    for (let i = 0; i < (columns[0]?.length ?? 0); i++) {
      const row = Object.fromEntries(columnFields.map((field, c) => [field, columns[c]?.[i]]))
      byId.set(row.id, row)
    }
    return [...byId.values()].sort((one, other) => Number(one.id) - Number(other.id))
  }
  return { sink, rows }
}

function writerOf(take: (value: unknown) => void): ColumnWriter {
  const none = (): never => {
    throw new Error('the page gives values alone')
  }
  return {
    value: take,
    null: () => take(null),
    boolean: none,
    int32: none,
    int64: none,
    float64: none,
    micros: none,
    bytes: none,
  }
}

async function run(
  make: (flow: Flow<Row>) => Flow<object>,
  { maxRejected = 0, ...options }: PouringOptions & { maxRejected?: number } = {},
) {
  const decoded = new Set<string>()
  const { sink, rows } = pouringSink(options)
  const letters = memorySink<Row>({ name: 'letters' })
  const report = await runPipeline({
    name: 'columns',
    source: make(from(columnSource(30, decoded))),
    sink: sink as AckSink<object>,
    state: memoryStateStore(),
    batchSize: 10,
    maxRejected,
    deadLetters: letters,
  })
  const buried = letters.store.rows.map((letter) => (letter.record as Row).id)
  return { report, rows: rows(), looked: [...decoded].sort(), buried }
}

const all = Array.from({ length: 30 }, (_, id) => ({ id, text: `text ${id}`, tokens: 0, rest: `rest ${id}` }))
const counted = all.map((record) => ({ ...record, tokens: record.text.length }))
const described = (schema: RecordSchema) => schema
const withTokens = (record: Row): Row => ({ ...record, tokens: String(record.text).length })

describe('a sink that keeps columns', () => {
  it('has pages poured, and no record is decoded', async () => {
    const { rows, looked, report } = await run((flow) => flow)
    expect(rows).toEqual(all)
    expect(looked).toEqual([])
    expect(report.counts).toMatchObject({ read: 30, written: 30, inserted: 30 })
  })

  it('has those poured that a filter leaves which the source takes', async () => {
    const { rows, looked } = await run((flow) => flow.filter({ id: { gte: 12 } }))
    expect(rows).toEqual(all.slice(12))
    expect(looked).toEqual([])
  })

  it.each([
    [
      'record by record',
      transformer({ name: 'one', reads: ['text'], writes: ['tokens'], describe: described, transform: withTokens }),
    ],
    [
      'many at once',
      transformer({
        name: 'many',
        reads: ['text'],
        writes: ['tokens'],
        describe: described,
        transformBatch: (records: readonly Row[]) => records.map(withTokens),
      }),
    ],
  ])('has them poured behind a step that says what it reads and sets, %s', async (_, step) => {
    const { rows, looked } = await run((flow) => flow.pipe(step))
    expect(rows).toEqual(counted)
    expect(looked).toEqual(['text', 'tokens'])
  })

  it.each([
    ['which it names', true],
    ['which has to be found', false],
  ])('has the others poured around a record that it refuses, %s', async (_, tellsRow) => {
    const refused = [4, 13, 17]
    const { rows, looked, report, buried } = await run((flow) => flow, { refused, tellsRow, maxRejected: 3 })
    expect(rows).toEqual(all.filter(({ id }) => !refused.includes(id)))
    expect(buried).toEqual(refused)
    expect(report.counts).toMatchObject({ read: 30, written: 27, rejected: 3, inserted: 27 })
    // Those that were buried, each alone.
    expect(looked).toEqual(['one'])
  })

  it('is told which one was refused behind a step', async () => {
    const step = transformer({
      name: 'one',
      reads: ['text'],
      writes: ['tokens'],
      describe: described,
      transform: withTokens,
    })
    const options = { refused: [4, 6], maxRejected: 2 }
    const { rows, looked, report, buried } = await run((flow) => flow.pipe(step), options)
    expect(looked).toEqual(['one', 'text', 'tokens'])
    expect(rows).toEqual(counted.filter(({ id }) => id !== 4 && id !== 6))
    expect(buried).toEqual([4, 6])
    expect(report.counts).toMatchObject({ read: 30, written: 28, rejected: 2 })
  })

  it('fails without leave to reject', async () => {
    await expect(run((flow) => flow, { refused: [4] })).rejects.toMatchObject({ code: 'RECORD_REJECTED' })
  })
})
