import { describe, expect, it } from 'vitest'
import type { Page } from '../contracts/page.js'
import type { AckSink } from '../contracts/sink.js'
import type { Row } from '../contracts/values.js'
import { type Flow, from } from '../flow/flow.js'
import { transformer } from '../flow/transformer-factory.js'
import { memorySink } from '../memory/memory-sink.js'
import { memoryStateStore } from '../state/memory-state-store.js'
import { addMetadata } from '../transformers/add-metadata.js'
import { setField } from '../transformers/set-field.js'
import { runPipeline } from './run-pipeline.js'
import { ColumnPage, columnFields, columnSource } from './testing/column-page.js'

interface Taken {
  readonly pages: Page<Row>[]
  readonly sink: AckSink<Row>
}

/** A sink that keeps the pages it gets, and takes those by column if it says so. */
function takingSink(takesColumns: boolean): Taken {
  const pages: Page<Row>[] = []
  return {
    pages,
    sink: {
      specVersion: 1,
      name: 'taking',
      guarantee: 'idempotent',
      connect: async () => ({
        takes: (page) => takesColumns && page instanceof ColumnPage,
        check: () => [],
        write: async (batch) => {
          let inserted = 0
          for await (const page of batch) {
            pages.push(page)
            inserted += page instanceof ColumnPage ? page.count : page.rows().length
          }
          return { inserted, updated: 0, skipped: 0 }
        },
        [Symbol.asyncDispose]: async () => {},
      }),
    },
  }
}

async function run(make: (flow: Flow<Row>) => Flow<object>, { takesColumns = true, maxRejected = 0 } = {}) {
  const decoded = new Set<string>()
  const { pages, sink } = takingSink(takesColumns)
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
  const looked = [...decoded].sort()
  const rows = pages.flatMap((page) => page.rows())
  const keys = pages.flatMap((page) => page.keys().map(({ source }) => source[0]))
  return { report, pages, looked, rows, keys, letters: letters.store.rows as readonly Row[] }
}

const type = { kind: 'int', bits: 32 } as const
const tokens = setField('tokens', ['text'], (text) => String(text).length, { type })
const expected = (id: number) => ({ id, text: `text ${id}`, tokens: `text ${id}`.length, rest: `rest ${id}` })
const all = Array.from({ length: 30 }, (_, id) => id)

describe('steps that say which fields they read and set', () => {
  it('are given these alone, and the sink gets pages of the source', async () => {
    const { pages, looked, rows, keys, report } = await run((flow) => flow.pipe(tokens))
    expect(looked).toEqual(['text', 'tokens'])
    expect(pages.every((page) => page instanceof ColumnPage)).toBe(true)
    expect(rows).toEqual(all.map(expected))
    expect(keys).toEqual(all)
    expect(report.counts).toMatchObject({ read: 30, written: 30, emitted: 30 })
  })

  it('work one behind the other on what the one before has set', async () => {
    const half = setField('tokens', ['tokens'], (value) => Number(value) / 2, { type })
    const { looked, rows } = await run((flow) => flow.pipe(tokens).pipe(half))
    expect(looked).toEqual(['text', 'tokens'])
    expect(rows[12]).toEqual({ ...expected(12), tokens: 3.5 })
  })

  it('get whole pages for a sink that takes records', async () => {
    const { pages, looked, rows } = await run((flow) => flow.pipe(tokens), { takesColumns: false })
    expect(looked).toEqual(['all'])
    expect(pages.some((page) => page instanceof ColumnPage)).toBe(false)
    expect(rows).toEqual(all.map(expected))
  })

  it('leave records out, make several of one, and reject some: the other fields are there', async () => {
    const odd = transformer({
      name: 'odd',
      reads: ['text'],
      writes: ['tokens'],
      transform: (record: Row) => {
        const id = Number(String(record.text).slice(5))
        if (id === 3) return null
        if (id === 14) throw new Error('not this one')
        return id === 5
          ? [
              { ...record, tokens: 1 },
              { ...record, tokens: 2 },
            ]
          : { ...record, tokens: id }
      },
    })
    const { report, rows, letters } = await run((flow) => flow.pipe(odd), { maxRejected: 1 })
    expect(report.counts).toMatchObject({ read: 30, written: 28, filtered: 1, rejected: 1, emitted: 29 })
    expect(rows.filter(({ id }) => id === 5)).toEqual([
      { ...expected(5), tokens: 1 },
      { ...expected(5), tokens: 2 },
    ])
    expect(rows.find(({ id }) => id === 6)).toEqual({ ...expected(6), tokens: 6 })
    expect(JSON.stringify(letters)).toContain('rest 14')
  })

  it('may set a field that the page has not', async () => {
    const { looked, rows } = await run((flow) => flow.pipe(addMetadata()))
    expect(looked).toEqual([])
    expect(Object.keys(rows[0] ?? {})).toEqual([...columnFields, 'metadata'])
  })

  it('answer for many records at once', async () => {
    const sizes: number[] = []
    const inBatches = transformer({
      name: 'inBatches',
      reads: ['text'],
      writes: ['tokens'],
      describe: (schema) => schema,
      transformBatch: (records: readonly Row[]) => {
        sizes.push(records.length)
        return records.map((record) => ({ ...record, tokens: String(record.text).length }))
      },
    })
    const { looked, pages, rows } = await run((flow) => flow.pipe(inBatches))
    expect(sizes).toEqual([10, 10, 10])
    expect(looked).toEqual(['text', 'tokens'])
    expect(pages.every((page) => page instanceof ColumnPage)).toBe(true)
    expect(rows).toEqual(all.map(expected))
  })

  it('may wait', async () => {
    const slow = transformer({
      name: 'slow',
      reads: ['text'],
      writes: ['tokens'],
      describe: (schema) => schema,
      transform: async (record: Row) => ({ ...record, tokens: String(record.text).length }),
    })
    const { looked, rows } = await run((flow) => flow.pipe(slow))
    expect(looked).toEqual(['text', 'tokens'])
    expect(rows).toEqual(all.map(expected))
  })
})

describe('whole records', () => {
  it('are given to all steps if one does not say what it looks at', async () => {
    const { looked, rows } = await run((flow) => flow.pipe(tokens).pipe((record) => ({ ...record, seen: true })))
    expect(looked).toEqual(['all'])
    expect(rows[7]).toEqual({ ...expected(7), seen: true })
  })

  it('are given to a step that sets the key, which stays the one of the source', async () => {
    const { looked, rows, keys } = await run((flow) => flow.pipe(setField('id', ['id'], (id) => Number(id) + 100)))
    expect(looked).toEqual(['all'])
    expect(rows.map(({ id }) => id)).toEqual(all.map((id) => id + 100))
    expect(keys).toEqual(all)
  })

  it('are given to a step that does more than it says', async () => {
    const more = transformer({
      name: 'more',
      reads: ['text'],
      writes: ['tokens'],
      transform: (record: Row) => ({ id: record.id, tokens: 1 }),
    })
    const { rows } = await run((flow) => flow.pipe(more))
    expect(rows).toEqual(all.map((id) => ({ id, tokens: 1 })))
  })

  it('reach the sink where the page does not take a value, for it can say which record it was', async () => {
    const refused = setField('tokens', ['text'], (text) => (text === 'text 4' ? 'refused' : 1))
    const { pages, rows } = await run((flow) => flow.pipe(refused))
    expect(pages.map((page) => page instanceof ColumnPage)).toEqual([false, true, true])
    expect(rows[4]).toEqual({ ...expected(4), tokens: 'refused' })
  })
})
