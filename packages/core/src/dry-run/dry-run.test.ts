import { expect, it } from 'vitest'
import type { ExactSink } from '../contracts/sink.js'
import type { Source } from '../contracts/source.js'
import type { Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import { from } from '../flow/flow.js'
import { memorySink } from '../memory/memory-sink.js'
import { memorySource } from '../memory/memory-source.js'
import { dryRun } from './dry-run.js'
import { formatDryRun } from './format-dry-run.js'

const numbered = (count: number): Row[] => Array.from({ length: count }, (_, id) => ({ id, text: `text ${id}` }))
const source = (count: number): Source => memorySource({ records: numbered(count), key: 'id' })

/** A sink that can be rehearsed, and that nobody may write to. */
function rehearsed(rehearse: NonNullable<Awaited<ReturnType<ExactSink['connect']>>['rehearse']>): ExactSink<object> {
  const never = () => Promise.reject(new Error('written to'))
  return {
    specVersion: 1,
    name: 'rehearsed',
    guarantee: 'exactly-once',
    connect: async ({ rehearses }) => {
      expect(rehearses).toBe(true)
      return { claim: never, write: never, prepare: never, rehearse, [Symbol.asyncDispose]: async () => {} }
    },
  }
}

it('shows records from all over the source, as they are and as the steps make them', async () => {
  const flow = from(source(1000)).pipe((row) => {
    if (Number(row.id) % 2 === 1) return null
    row.text = 'changed in place'
    return row
  })
  const { sample, count, looked } = await dryRun({ name: 'x', source: flow, sink: memorySink() }, { sample: 4 })
  expect(count).toEqual({ value: 1000, exact: true })
  expect(sample).toHaveLength(4)
  expect(sample[0]).toEqual({
    key: [0],
    before: { id: 0, text: 'text 0' },
    after: [{ id: 0, text: 'changed in place' }],
  })
  expect(sample.some(({ key }) => Number(key[0]) >= 500)).toBe(true)
  expect(looked).toMatchObject({ rejected: 0 })
})

it('rehearses with the sample, then with what a run reads first, and says what would be created', async () => {
  const written: number[] = []
  const sink = rehearsed(async (schema, pages) => {
    expect(schema.fields.map(({ name }) => name)).toEqual(['id', 'text', 'more'])
    const rows = pages.reduce((sum, page) => sum + page.rows().length, 0)
    written.push(rows)
    return { creates: ['table "x"'], rows, durationMs: rows * 0.01 }
  })
  const report = await dryRun({ name: 'x', source: from(source(9000)).pipe((row) => ({ ...row, more: 1 })), sink })
  expect(written).toEqual([10, 4000])
  expect(report.creates).toEqual(['table "x"'])
  expect(report).toMatchObject({ problems: [], notWritten: null })
  expect(report.forecast).toMatchObject({ includesWriting: true })
  expect(report.forecast?.durationMs.low).toBeGreaterThan(40)
  expect(formatDryRun(report)).toContain('x: nothing stands in the way of a run; nothing was changed\n')
  expect(formatDryRun(report)).toContain('\n  would create:\n    table "x"\n')
})

it('says so where writing cannot be tried', async () => {
  const known = await dryRun({
    name: 'x',
    source: source(5000),
    sink: rehearsed(async () => ({ creates: [], rows: 1000, durationMs: 1 })),
  })
  const unknown = await dryRun({ name: 'x', source: source(5000), sink: memorySink() })
  // How much wider, is a matter of forecast.test.ts: two measurements of a moment cannot be compared.
  expect(known.forecast).toMatchObject({ includesWriting: true })
  expect(unknown.forecast).toMatchObject({ includesWriting: false })
  expect(formatDryRun(unknown)).toContain('this is a guess, as writing was not tried: ')
  const refusing = rehearsed(async () => ({
    creates: [],
    rows: 0,
    durationMs: 0,
    notWritten: 'a trigger may do anything',
  }))
  const { problems, notWritten, forecast } = await dryRun({ name: 'x', source: source(5000), sink: refusing })
  expect(problems).toEqual([])
  expect(notWritten).toBe('a trigger may do anything')
  expect(forecast).toMatchObject({ includesWriting: false })
})

it('names what fails and finds out the rest', async () => {
  const denied = new DroverError('STORE_DENIED', 'table "x": no right to INSERT; postgres://me:secret@host/db')
  const report = await dryRun({ name: 'x', source: source(10), sink: rehearsed(() => Promise.reject(denied)) })
  expect(report.problems).toHaveLength(1)
  expect(report.problems[0]).toMatchObject({ code: 'STORE_DENIED', message: expect.stringContaining('INSERT') })
  expect(report.problems[0]?.message).not.toContain('secret')
  expect(report).toMatchObject({ count: { value: 10 }, creates: [] })
  expect(report.sample).toHaveLength(10)
  expect(formatDryRun(report)).toContain('x: a run would fail (1 reason); nothing was changed\n')
})

it('names both ends where neither can be connected to', async () => {
  const down: Source = { ...source(1), connect: () => Promise.reject(new Error('no such host')) }
  const sink: ExactSink<object> = {
    ...memorySink(),
    connect: () => Promise.reject(new Error('no such table')),
  } as never
  const { problems, forecast, reached } = await dryRun({ name: 'x', source: down, sink })
  expect(reached).toEqual({ source: false, sink: false })
  expect((await dryRun({ name: 'x', source: source(1), sink })).reached).toEqual({ source: true, sink: false })
  expect(problems.map(({ message }) => message)).toEqual([
    expect.stringContaining('no such host'),
    expect.stringContaining('no such table'),
  ])
  expect(forecast).toBeNull()
})

it('lists what would be lost, and does not write what a run would not', async () => {
  const issue = { field: 'text', loses: 'digits', remedy: "coerce: ['text']" }
  let calls = 0
  const sink = rehearsed(async () => ({ creates: [], rows: calls++, durationMs: 0 }))
  const checking: ExactSink<object> = {
    ...sink,
    connect: async (operation) => ({ ...(await sink.connect(operation)), check: () => [issue] }),
  }
  const report = await dryRun({ name: 'x', source: source(10), sink: checking })
  expect(report.fidelity).toEqual([issue])
  expect(calls).toBe(0)
  expect(formatDryRun(report)).toContain("\n  would be lost:\n    text: digits (coerce: ['text'])\n")
})

it('lists records that a step rejects, and counts what is filtered', async () => {
  const flow = from(source(100))
    .filter((row) => Number(row.id) < 50)
    .pipe((row) => {
      if (row.id === 7) throw new Error('seven')
      return row
    })
  const report = await dryRun({ name: 'x', source: flow, sink: memorySink() }, { sample: 10 })
  expect(report.looked).toEqual({ records: 100, filtered: 50, rejected: 1 })
  expect(report.rejected).toEqual([
    { key: [7], stage: 'transform', code: 'TRANSFORM_FAILED', message: expect.stringContaining('seven') },
  ])
  expect(formatDryRun(report)).toContain('a run would reject records')
})

it('refuses what a run would refuse, and a backfill that nobody can try', async () => {
  await expect(dryRun({ name: '', source: source(1), sink: memorySink() })).rejects.toMatchObject({
    code: 'OPTION_INVALID',
  })
  const options = { name: 'x', source: source(1), sink: memorySink() }
  await expect(dryRun(options, { sample: 0 })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  await expect(dryRun(options, { samples: 5 } as never)).rejects.toThrow(/no option "samples"/)
  await expect(dryRun({ backfiller: { name: 'x' } } as never)).rejects.toThrow(/written by hand/)
  const signal = AbortSignal.abort()
  await expect(dryRun(options, { signal })).rejects.toMatchObject({ code: 'ABORTED' })
})
