/** Runs that end in every way, in a plain script: nothing may be left that keeps the process alive, and nobody may be left unheard. */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  DroverError,
  directoryStateStore,
  from,
  memorySink,
  memorySource,
  memoryStateStore,
  runPipeline,
  sink,
  startPipeline,
  transformer,
} from '../../index.js'
import { but, type Numbered, numbers, source, withReading, withSession } from './rigs.js'

const [ending, directory = ''] = process.argv.slice(2)
const silent = () => sink<Numbered>({ name: 'silent', guarantee: 'idempotent', write: async () => {} })
const never = () => new Promise<never>(() => {})
const failed = (run: Promise<unknown>) =>
  run.then(
    () => console.log('it did not fail'),
    (error: unknown) => console.log(error instanceof DroverError ? error.code : error),
  )

const endings: Record<string, () => Promise<void>> = {
  /** With everything that holds on to something: signals, a progress line, a directory, leases. */
  completed: async () => {
    const report = await runPipeline({
      name: 'completed',
      source: source(5_000),
      sink: silent(),
      state: directoryStateStore({ directory }),
      stopOnSignals: true,
      signal: new AbortController().signal,
      progress: true,
      logger: console,
    })
    console.log(report.status)
  },

  /** Its sink was asked what it waits for, and has long answered when the run ends. */
  stalled: async () => {
    const waiting = withSession(memorySink<Numbered>(), (session) => ({
      write: async (batch, operation) => {
        await sleep(100)
        await session.write(batch, operation)
      },
    }))
    const live = startPipeline({ name: 'stalled', source: source(5), sink: waiting, stalledAfterMs: 20 })
    live.events.once('run:stalled', () => console.log('stalled'))
    console.log((await live.result).status)
    const done = performance.now()
    process.once('exit', () => console.log(performance.now() - done < 2_000 ? 'at once' : 'late'))
  },

  /** Nothing else happens in the process until another one resumes the run. */
  paused: async () => {
    const state = directoryStateStore({ directory })
    const live = startPipeline({
      name: 'paused',
      source: source(50),
      sink: silent(),
      state,
    })
    live.pause()
    live.events.once('run:started', () => console.log('paused'))
    setTimeout(() => live.resume(), 400).unref()
    console.log((await live.result).status)
  },

  /** Nobody but the end of the scope asks what became of it, and that comes late. */
  scope: async () => {
    try {
      await using live = startPipeline({
        name: 'scope',
        source: but(source(1), { connect: async () => Promise.reject(new Error('gone')) }),
        sink: memorySink<Numbered>(),
      })
      await new Promise((resolve) => live.events.once('run:failed', resolve))
      await sleep(50)
    } catch (error) {
      console.log((error as Error).message)
    }
  },

  /** Read ahead, written side by side, or called and not waited for: whatever fails late is heard by somebody, or by nobody on purpose. */
  failures: async () => {
    const broken = (page: number) =>
      withReading(memorySource<Numbered>({ records: numbers(100), key: 'id', partitions: 3 }), (session) => ({
        async *read(options) {
          let nth = 0
          for await (const next of session.read(options)) {
            if (++nth === page) throw new Error('the source broke')
            yield next
          }
        },
      }))
    const failing = withSession(memorySink<Numbered>(), () => ({
      write: async (batch) => {
        for await (const _ of batch) await sleep(5) // until the page ahead has failed too
        throw new Error('the sink broke')
      },
    }))
    for (const page of [1, 2, 3])
      await failed(runPipeline({ name: 'ahead', source: broken(page), sink: failing, parallel: 3, batchSize: 10 }))
    for (const late of [0, 20])
      await failed(
        runPipeline({
          name: 'side by side',
          source: broken(9),
          state: memoryStateStore(),
          sink: sink<Numbered>({
            name: 's',
            guarantee: 'idempotent',
            inFlight: 4,
            batchSize: 10,
            write: async () => {
              await sleep(late)
              throw new Error('all of them break')
            },
          }),
        }),
      )
    const late = transformer({
      name: 'late',
      timeoutMs: 20,
      transform: async (r: Numbered) => {
        if (r.id % 10 !== 0) return r
        await sleep(60)
        throw new Error('too late to matter')
      },
    })
    const batched = transformer({
      name: 'batched',
      timeoutMs: 20,
      transformBatch: async () => {
        await sleep(60)
        throw new Error('too late to matter')
      },
    })
    const flow = from(source(100))
    for (const source of [flow.pipe(late), flow.pipe((r) => [r, r]).pipe(late), flow.pipe(batched)])
      await failed(runPipeline({ name: 'late', source, sink: memorySink<object>() }))
    await sleep(100)
  },

  /** Steps that never answer are given up, and hold nothing. */
  stuck: async () => {
    const stuck = transformer({ name: 'stuck', timeoutMs: 20, transform: (_: Numbered): Promise<Numbered> => never() })
    await failed(runPipeline({ name: 'stuck', source: from(source(3)).pipe(stuck), sink: memorySink<Numbered>() }))
  },
}

await endings[ending as string]?.()
