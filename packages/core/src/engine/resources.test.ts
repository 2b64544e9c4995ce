import { describe, expect, it } from 'vitest'
import type { ExactSink } from '../contracts/sink.js'
import type { Source } from '../contracts/source.js'
import type { Operation } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import { from } from '../flow/flow.js'
import { transformer } from '../flow/transformer-factory.js'
import { memorySink } from '../memory/memory-sink.js'
import { memoryStateStore } from '../state/memory-state-store.js'
import type { PipelineOptions } from './options.js'
import { runPipeline, startPipeline } from './run-pipeline.js'
import { but, failure, type Numbered, source, transient, withReading, withSession } from './testing/rigs.js'

/** Counts what is open of source, sink and transformer, and lets one of them fail. */
function counted(fails: { readonly [at: string]: () => Error }) {
  const log: string[] = []
  const at = (what: string): void => {
    log.push(what)
    const error = fails[what]
    if (error !== undefined) throw error()
  }
  const reading = withReading(source(20), (session) => ({
    describe: async (operation: Operation) => {
      at('describe')
      return session.describe(operation)
    },
    [Symbol.asyncDispose]: async () => at('source closed'),
  }))
  const from_: Source<Numbered> = but(reading, {
    connect: async (operation) => {
      at('source opened')
      return reading.connect(operation)
    },
  })
  const writing = withSession(memorySink<Numbered>(), (session) => ({
    prepare: async () => at('prepare'),
    claim: async (claim, operation) => {
      at('claim')
      return session.claim(claim, operation)
    },
    write: async (batch, operation) => {
      at('write')
      return session.write(batch, operation)
    },
    finish: async (outcome) => at(`finish ${outcome}`),
    [Symbol.asyncDispose]: async () => at('sink closed'),
  }))
  const into: ExactSink<Numbered> = but(writing, {
    connect: async (operation) => {
      at('sink opened')
      return writing.connect(operation)
    },
  })
  const step = transformer({
    name: 'step',
    transform: (r: Numbered) => r,
    open: () => at('step opened'),
    close: () => at('step closed'),
  })
  const told: string[] = []
  const tell = (text: string): void => void told.push(text)
  const options: PipelineOptions<Numbered> = {
    name: 'counted',
    source: from(from_).pipe(step),
    sink: into,
    logger: { debug: tell, info: tell, warn: tell, error: tell },
  }
  const times = (what: string): number => log.filter((entry) => entry === what).length
  return { options, log, times, told }
}

describe('what a run opened', () => {
  const places = ['source opened', 'describe', 'sink opened', 'step opened', 'prepare', 'claim', 'write']
  for (const place of [...places, 'finish completed']) {
    it(`is closed once when it fails at "${place}"`, async () => {
      const { options, times, log } = counted({ [place]: () => new Error('no') })
      expect(await failure(runPipeline(options))).toMatchObject({ code: 'UNEXPECTED' })
      // What failed to open is not open.
      const opened = (what: string): number => (place === `${what} opened` ? 0 : times(`${what} opened`))
      for (const what of ['source', 'sink', 'step'])
        expect([what, times(`${what} closed`)]).toEqual([what, opened(what)])
      expect(log.at(-1)).toMatch(/closed|source opened/)
    })
  }

  for (const place of ['describe', 'sink opened', 'prepare', 'claim', 'write', 'finish completed']) {
    it(`is tried again where it fails for a moment at "${place}"`, async () => {
      let times = 0
      const fails = { [place]: () => transient() }
      const { options } = counted({
        get [place]() {
          return times++ === 0 ? fails[place] : undefined
        },
      } as never)
      expect(await runPipeline(options)).toMatchObject({ status: 'completed', counts: { written: 20 } })
      expect(times).toBeGreaterThan(1)
    })
  }

  it('is closed though another part of it cannot be, and the run says so', async () => {
    for (const broken of ['source closed', 'sink closed', 'step closed']) {
      const { options, times } = counted({ [broken]: () => new Error(`${broken} failed`) })
      expect((await failure(runPipeline(options))).message).toContain(`${broken} failed`)
      for (const what of ['source', 'sink', 'step']) expect(times(`${what} closed`)).toBe(1)
    }
  })

  it('does not hide by its closing why the run failed, and is not lost either', async () => {
    const { options, told } = counted({
      write: () => new Error('disk on fire'),
      'finish failed': () => new Error('cannot finish'),
      'sink closed': () => new Error('cannot close'),
      'source closed': () => new Error('nor close this'),
    })
    expect((await failure(runPipeline(options))).message).toContain('disk on fire')
    for (const said of ['cannot finish', 'cannot close', 'nor close this'])
      expect(told.filter((line) => line.includes(said))).toHaveLength(1)
  })

  it('is closed when the default state store cannot be', async () => {
    const state = but(memoryStateStore(), {
      [Symbol.asyncDispose]: async () => Promise.reject(new Error('state stays open')),
    })
    const { options, times } = counted({})
    const into = but(options.sink as ExactSink<Numbered>, { stateStore: () => state })
    expect((await failure(runPipeline({ ...options, sink: into }))).message).toContain('state stays open')
    expect([times('source closed'), times('sink closed')]).toEqual([1, 1])
  })
})

describe('a transformer', () => {
  it('that stands in a flow twice is opened and closed once', async () => {
    const log: string[] = []
    const twice = transformer({
      name: 'twice',
      transform: (r: Numbered) => r,
      open: () => void log.push('open'),
      close: () => void log.push('close'),
    })
    await runPipeline({ name: 'x', source: from(source(3)).pipe(twice).pipe(twice), sink: memorySink<Numbered>() })
    expect(log).toEqual(['open', 'close'])
  })

  it('is closed behind its last record also when the run is stopped before its first', async () => {
    const { options, times } = counted({})
    const report = await runPipeline({ ...options, signal: AbortSignal.abort() })
    expect(report).toMatchObject({ status: 'stopped', reason: 'its signal was aborted', counts: { read: 0 } })
    expect([times('step opened'), times('step closed')]).toEqual([1, 1])
    expect([times('source closed'), times('sink closed')]).toEqual([1, 1])
  })
})

describe('a run that failed', () => {
  it('says in which partitions else it failed', async () => {
    const told: string[] = []
    const tell = (text: string): void => void told.push(text)
    const { memorySource } = await import('../memory/memory-source.js')
    const records = Array.from({ length: 40 }, (_, i) => ({ id: i + 1 }))
    const into = withSession(memorySink<Numbered>(), () => ({
      write: async (batch) =>
        Promise.reject(new DroverError('STORE_FULL', `no space for partition ${batch.partition.id}`)),
    }))
    const error = await failure(
      runPipeline({
        name: 'x',
        source: memorySource({ records, key: 'id', partitions: 2 }),
        sink: into,
        parallel: 2,
        logger: { debug: tell, info: tell, warn: tell, error: tell },
      }),
    )
    const other = error.message.endsWith('1') ? '2' : '1'
    expect(told.some((line) => line.endsWith(`no space for partition ${other}`))).toBe(true)
  })

  it('shows no secret that a driver put into its message', async () => {
    const down = but(source(1), {
      connect: async () => Promise.reject(new Error('cannot reach postgres://app:hunter2@db/app?sslpassword=hunter2')),
    })
    const told: string[] = []
    const tell = (text: string): void => void told.push(text)
    const logger = { debug: tell, info: tell, warn: tell, error: tell }
    const live = startPipeline({ name: 'x', source: down, sink: memorySink<Numbered>(), logger })
    live.events.on('run:failed', ({ error }) => tell(error.message))
    const error = await failure(live.result)
    expect(error.message).toContain('db/app')
    expect([error.message, ...told].join()).not.toContain('hunter2')
  })
})
