import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ExactSession, ExactSink } from '../contracts/sink.js'
import type { Row } from '../contracts/values.js'
import { deadLetterFolder } from '../dead-letters/dead-letter-folder.js'
import { deadLetterSource } from '../dead-letters/dead-letter-source.js'
import type { PipelineOptions } from '../engine/options.js'
import { runPipeline } from '../engine/run-pipeline.js'
import { DroverError } from '../errors/drover-error.js'
import { ndjsonSink } from '../files/ndjson-sink.js'
import { from } from '../flow/flow.js'
import { memoryAckSink } from '../memory/memory-ack-sink.js'
import { memorySink } from '../memory/memory-sink.js'
import { memorySource } from '../memory/memory-source.js'
import { type MemoryStore, memoryStore } from '../memory/memory-store.js'
import { memoryStateStore } from '../state/memory-state-store.js'
import { replay, startReplay } from './replay.js'

let folder: string
let deadLetters: string
let store: MemoryStore
beforeEach(async () => {
  folder = await mkdtemp(`${tmpdir()}/drover-replay-`)
  deadLetters = `${folder}/letters`
  store = memoryStore()
})
afterEach(() => rm(folder, { recursive: true }))

const numbers = (count: number): Row[] => Array.from({ length: count }, (_, id) => ({ id }))
/** Fails for some ids. */
const failing =
  (...ids: number[]) =>
  (row: Row): Row => {
    if (ids.includes(row.id as number)) throw new Error(`no ${row.id}`)
    return { ...row, done: true }
  }

type Options = PipelineOptions<Row>
const options = (step: (row: Row) => Row, more: Partial<Options> = {}): Options => ({
  name: 'copy',
  source: from<Row>(memorySource({ records: numbers(40), key: 'id' })).pipe(step),
  sink: more.sink ?? memorySink({ store }),
  batchSize: 10,
  maxRejected: 40,
  deadLetters,
  ...more,
})
const idsOf = (rows: readonly Row[] = store.rows) => rows.map(({ id }) => id as number).sort((a, b) => a - b)
const all = numbers(40).map(({ id }) => id)
const tick = () => new Promise((resolve) => setImmediate(resolve))

describe('a replay', () => {
  test('sends what was rejected through the mended steps, once; the next one has nothing to do', async () => {
    await runPipeline(options(failing(3, 17, 18, 39)))
    const mended = options(failing())
    const report = await replay(mended)
    expect(report).toMatchObject({ name: 'copy replay', status: 'completed', guarantee: 'exactly-once' })
    expect(report.counts).toMatchObject({ read: 4, written: 4, rejected: 0 })
    expect(idsOf()).toEqual(all)
    expect(store.rows.every((row) => row.done === true)).toBe(true)
    const again = await replay(mended)
    expect(again).toMatchObject({ status: 'nothing', run: report.run, counts: { read: 4 } })
    expect(again.reason).toMatch(/no dead letters to send since/)
    expect(store.rows).toHaveLength(40)
  })

  test('of a pipeline that rejected nothing has nothing to do', async () => {
    await runPipeline(options(failing()))
    expect(await replay(options(failing()))).toMatchObject({ status: 'nothing', run: '', counts: { read: 0 } })
  })

  test('takes again what it rejected itself, and nothing that went through', async () => {
    await runPipeline(options(failing(3, 17, 18)))
    const second = await replay(options(failing(17)))
    expect(second.counts).toMatchObject({ read: 3, written: 2, rejected: 1 })
    const third = await replay(options(failing(17)))
    expect(third.counts).toMatchObject({ read: 1, written: 0, rejected: 1 })
    const fourth = await replay(options(failing()))
    expect(fourth.counts).toMatchObject({ read: 1, written: 1 })
    expect((await replay(options(failing()))).status).toBe('nothing')
    expect(idsOf()).toEqual(all)
  })

  test('that fails goes on where it stands, with the same letters', async () => {
    await runPipeline(options(failing(...all.map(Number))))
    const strict = options(failing(7), { maxRejected: 0, version: '2', batchSize: 5 })
    await expect(replay(strict)).rejects.toMatchObject({ code: 'RECORD_REJECTED' })
    const before = store.rows.length
    const mended = { ...strict, source: options(failing()).source }
    const report = await replay(mended)
    expect(report.counts).toMatchObject({ read: 40, written: 40 })
    expect(report.attempt.counts.read).toBe(40 - before)
    expect(idsOf()).toEqual(all)
  })

  test('can be stopped and goes on', async () => {
    await runPipeline(options(failing(...all.map(Number))))
    const first = await startReplay(options(failing(), { stopAfter: { records: 10 } })).result
    expect(first).toMatchObject({ status: 'stopped', counts: { read: 10 } })
    expect(await replay(options(failing()))).toMatchObject({ status: 'completed', counts: { read: 40, written: 40 } })
    expect(idsOf()).toEqual(all)
  })

  test('reaches an acknowledging sink, whose state is elsewhere', async () => {
    const state = memoryStateStore()
    const sink = memoryAckSink({ store })
    await runPipeline(options(failing(3, 17), { sink, state }))
    expect((await replay(options(failing(), { sink, state }))).counts).toMatchObject({ read: 2, written: 2 })
    expect(idsOf()).toEqual(all)
  })

  test('adds to a file', async () => {
    const sink = ndjsonSink({ path: `${folder}/out.ndjson` })
    await runPipeline(options(failing(3, 17), { sink }))
    await replay(options(failing(17), { sink }))
    await replay(options(failing(), { sink }))
    const lines = (await readFile(`${folder}/out.ndjson`, 'utf8')).trimEnd().split('\n')
    expect(idsOf(lines.map((line) => JSON.parse(line)))).toEqual(all)
  })

  test('waits until a run that has not completed leaves a file to it', async () => {
    const sink = ndjsonSink({ path: `${folder}/out.ndjson` })
    await runPipeline(options(failing(3), { sink, stopAfter: { records: 20 } }))
    await expect(replay(options(failing(), { sink }))).rejects.toMatchObject({ code: 'DEPENDENCY_UNFINISHED' })
    await runPipeline(options(failing(3), { sink }))
    expect((await replay(options(failing(), { sink }))).counts.written).toBe(1)
  })

  test('describes its records as the source does, and goes without it where that is gone', async () => {
    const described: unknown[] = []
    const records = memorySource({ records: numbers(5), key: 'id' })
    const sink = { ...memorySink({ store }) }
    const asking: ExactSink<Row> = {
      ...sink,
      connect: async (operation) => {
        const session = await sink.connect(operation)
        return Object.assign(session, { prepare: async (schema: unknown) => void described.push(schema) })
      },
    }
    await runPipeline(options(failing(), { source: from<Row>(records).pipe(failing(2)), sink: asking }))
    await replay(options(failing(), { source: records, sink: asking }))
    expect(described.at(-1)).toMatchObject({ key: ['id'] })
    const gone = { ...records, connect: () => Promise.reject(new DroverError('SOURCE_NOT_FOUND', 'It is gone.')) }
    const other = { name: 'other', source: from<Row>(records).pipe(failing(0, 1, 2, 3)), sink: asking }
    await runPipeline(options(failing(), other))
    await replay(options(failing(), { ...other, source: gone }))
    expect(described.at(-1)).toMatchObject({ key: [] })
    expect(idsOf()).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
  })
})

describe('a pipeline that goes on meanwhile', () => {
  test('keeps the letters that it writes for the next replay', async () => {
    await runPipeline(options(failing(3, 25), { stopAfter: { records: 20 } }))
    const live = startReplay(options(failing()))
    live.pause()
    await new Promise((resolve) => live.events.once('run:started', resolve))
    await runPipeline(options(failing(3, 25)))
    live.resume()
    expect((await live.result).counts.read).toBe(1)
    expect((await replay(options(failing()))).counts).toMatchObject({ read: 1, written: 1 })
    expect(idsOf()).toEqual(all)
  })

  test('may still write a record whose letter is of a batch that was not committed', async () => {
    const broken = { ...options(failing(3, 25)), sink: dying(25) }
    await expect(runPipeline(broken)).rejects.toThrow('died')
    // Both letters are there; of the second one the batch is not.
    const report = await replay(options(failing()))
    expect(report.counts).toMatchObject({ read: 1, written: 1 })
    expect(report.warnings).toMatchObject([
      { code: 'DEAD_LETTERS', message: expect.stringContaining('1 dead letter is of') },
    ])
    // Mended, it writes the record after all.
    await runPipeline(options(failing()))
    expect(await replay(options(failing()))).toMatchObject({ status: 'nothing', warnings: [] })
    expect(idsOf()).toEqual(all)
  })

  test('makes the letters of batches that were never committed void', async () => {
    await expect(runPipeline({ ...options(failing(3, 25)), sink: dying(25) })).rejects.toThrow('died')
    await runPipeline(options(failing(26)))
    expect((await replay(options(failing()))).counts).toMatchObject({ read: 2, written: 2 })
    expect(idsOf()).toEqual(all)
    const rows: Row[] = []
    await using session = await deadLetterSource(deadLetters).connect({ signal: new AbortController().signal })
    const whole = { after: null, partition: { id: 'all', bounds: null }, page: { records: 100, bytes: 1e6 } }
    for await (const page of session.read({ ...whole, signal: new AbortController().signal })) rows.push(...page.rows())
    expect(idsOf(rows)).toEqual([3, 26])
  })

  test('leaves letters that an heir made void so, whoever writes them later', async () => {
    await expect(runPipeline({ ...options(failing(5)), sink: dying(5) })).rejects.toThrow('died')
    const { run } = await runPipeline(options(failing()))
    const zombie = await deadLetterFolder(deadLetters).open({ run, partition: { id: 'all', bounds: null }, fence: 1 })
    const error = { code: 'TRANSFORM_FAILED', message: 'no 15' }
    const letter = { id: run, pipeline: 'copy', run, partition: 'all', key: [15], stage: 'transform', error } as const
    await zombie.append([{ ...letter, record: { id: 15 }, sequence: 2 }])
    await zombie.close()
    expect(await replay(options(failing()))).toMatchObject({ status: 'nothing' })
  })
})

describe('a later run', () => {
  test('that read everything again has its own letters', async () => {
    const sink = memorySink({ store, key: 'id', onConflict: 'update' })
    await runPipeline(options(failing(3, 17), { sink }))
    await runPipeline(options(failing(17), { sink, again: 'full' }))
    const report = await replay(options(failing(), { sink }))
    expect(report.counts).toMatchObject({ read: 1, written: 1 })
    expect(report.warnings).toMatchObject([
      { message: expect.stringContaining('2 dead letters are of runs that a later') },
    ])
  })

  test('that read what came since leaves the letters of the one before as they are', async () => {
    const records = numbers(20)
    const growing = memorySource({ records, key: 'id' })
    const some = (step: (row: Row) => Row) =>
      options(step, { again: 'incremental', source: from<Row>(growing).pipe(step) })
    await runPipeline(some(failing(3)))
    records.push(...numbers(40).slice(20))
    await runPipeline(some(failing(33)))
    expect((await replay(some(failing(33)))).counts).toMatchObject({ read: 2, written: 1, rejected: 1 })
    expect((await replay(some(failing()))).counts).toMatchObject({ read: 1, written: 1 })
    expect(idsOf()).toEqual(all)
  })
})

describe('refuses, or says,', () => {
  test('that letters are of another version', async () => {
    await runPipeline(options(failing(3, 17), { version: '1' }))
    const newer = options(failing(3), { version: '2' })
    const refused = replay({ ...newer, whenChanged: 'refuse' })
    await expect(refused).rejects.toMatchObject({
      code: 'PIPELINE_CHANGED',
      message: expect.stringContaining('2 dead letters are of version "1"'),
    })
    expect((await replay(newer)).warnings).toMatchObject([{ code: 'OTHER_VERSION' }, { code: 'DEAD_LETTERS' }])
    const silent = await replay({ ...options(failing(), { version: '3' }), whenChanged: 'continue' })
    expect(silent).toMatchObject({ counts: { read: 1, written: 1 }, warnings: [] })
  })

  test('options that make no replay', async () => {
    const invalid = (more: Partial<Options>, message: RegExp) =>
      expect(replay(options(failing(), more))).rejects.toMatchObject({
        code: 'OPTION_INVALID',
        message: expect.stringMatching(message),
      })
    await invalid({ deadLetters: memorySink() }, /from folders only/)
    await invalid({ redact: (record) => record }, /redacted/)
    await invalid({ whenChanged: 'restart' }, /would go through twice/)
    await expect(replay(options(failing()))).rejects.toMatchObject({ code: 'RUN_UNKNOWN' })
  })
})

/** Writes as a memory sink does, and dies when the batch with that id has made its letters durable. */
function dying(id: number): ExactSink<Row> {
  const sink = memorySink({ store })
  let isDead = false
  return {
    ...sink,
    connect: async (operation): Promise<ExactSession<Row>> => {
      const session = await sink.connect(operation)
      return {
        claim: (claim, how) => (isDead ? dead() : session.claim(claim, how)),
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
        write: async (batch, how) => {
          if (batch.sequence <= Math.floor(id / 10)) return session.write(batch, how)
          for await (const _ of batch) await tick()
          await batch.commit({ inserted: 9, updated: 0, skipped: 0 })
          isDead = true
          return dead()
        },
      }
    },
  }
}

async function dead(): Promise<never> {
  throw new Error('died')
}
