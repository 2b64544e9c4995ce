import { beforeEach, describe, expect, it } from 'vitest'
import type { RunState, StateStore } from '../contracts/state-store.js'
import { startPipeline } from '../engine/run-pipeline.js'
import { but, failure, type Numbered, signal, source, transient, withSession } from '../engine/testing/rigs.js'
import { memorySink } from '../memory/memory-sink.js'
import { sink } from '../sinks/sink.js'
import { memoryStateStore } from '../state/memory-state-store.js'
import { type Operator, operate } from './operate.js'
import type { Activity, RunOverview } from './run-overview.js'

const leaseMs = 150
let now = 0
let state: StateStore
let operator: Operator

beforeEach(() => {
  now = Date.now()
  state = memoryStateStore({ clock: () => now })
  operator = operate(state)
})

/** A run that works until it is stopped. */
function start(options: object = {}) {
  const into = sink<Numbered>({
    name: 'api',
    guarantee: 'idempotent',
    batchSize: 10,
    write: () => new Promise((resolve) => setTimeout(resolve, 2)),
  })
  return startPipeline({ name: 'copy', source: source(1_000_000), sink: into, state, leaseMs, ...options })
}

/** Looks until something is so. */
async function until(what: (run: RunOverview) => boolean): Promise<RunOverview> {
  for (;;) {
    const run = await operator.status('copy')
    if (what(run)) return run
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const becomes = (activity: Activity) => until((run) => run.activity === activity)

/** Until it has told something of its work. */
async function running(): Promise<RunOverview> {
  for (;;) {
    const [run] = await operator.list()
    if (run?.activity === 'running' && run.counts.read > 0) return until((seen) => seen.progress !== undefined)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

describe('a run that is operated', () => {
  it('is seen, paused, changed, resumed and stopped', async () => {
    const live = start()
    const seen = await running()
    expect(seen).toMatchObject({ control: { state: 'run' }, partitions: { total: 1, done: 0 } })
    expect(seen.holders).toMatchObject([{ isStale: false, partitions: ['all'], telling: { concurrency: 1, leaseMs } }])
    expect(seen.message).toBe(`${seen.holders[0]?.holder} works on it.`)
    expect((await operator.pause('copy', 'a new index')).activity).toBe('pausing')
    const paused = await becomes('paused')
    expect(paused.message).toContain('It is paused (a new index): ')
    const { read } = paused.counts
    await until((run) => run.holders[0]?.expiresAt.getTime() !== paused.holders[0]?.expiresAt.getTime() || ++now > 0)
    expect((await operator.status('copy')).counts.read).toBe(read)
    await operator.update('copy', { batchSize: 3 })
    const sizes: number[] = []
    live.events.on('batch:committed', ({ batch }) => sizes.push(batch.read))
    await operator.resume('copy')
    await until((run) => run.counts.read > read + 30)
    expect(sizes.at(-1)).toBe(3)
    await until((run) => run.holders[0]?.telling?.batchSize === 3)
    expect((await operator.stop('copy', 'enough')).activity).toBe('stopping')
    expect(await live.result).toMatchObject({ status: 'stopped', reason: 'an operator asked for it: enough' })
    const stopped = await operator.status('copy')
    expect(stopped).toMatchObject({ activity: 'stopped', holders: [], control: { state: 'run', batchSize: 3 } })
    expect(stopped.message).toBe(
      'It stopped: an operator asked for it: enough. Start it again, and it goes on from there.',
    )
  })

  it('can be stopped while it is paused, here or elsewhere', async () => {
    for (const pause of [(live: ReturnType<typeof start>) => live.pause(), () => void operator.pause('copy')]) {
      const live = start()
      await running()
      pause(live)
      await becomes('paused')
      await operator.stop('copy')
      expect(await live.result).toMatchObject({ status: 'stopped' })
    }
  })

  it('that its own process has paused is said to be, and goes on when both have resumed', async () => {
    const live = start()
    await running()
    live.pause()
    expect((await becomes('paused')).message).toContain('paused by its own process')
    await operator.pause('copy')
    await until((run) => run.holders[0]?.telling?.heard === 'pause')
    await operator.resume('copy')
    await until((run) => run.holders[0]?.telling?.heard === 'run')
    expect((await operator.status('copy')).activity).toBe('paused')
    live.resume()
    await becomes('running')
    await live.stop()
  })

  it('waits when it is paused while nobody works on it, and is resumed', async () => {
    const first = start()
    await running()
    await first.stop()
    const idle = await operator.pause('copy', 'tonight')
    expect(idle.activity).toBe('stopped')
    expect(idle.message).toContain('It is to be paused (tonight): who starts it waits until it is resumed.')
    const live = start()
    const { read } = (await becomes('paused')).counts
    expect(read).toBe(idle.counts.read)
    await operator.resume('copy')
    await until((run) => run.counts.read > read)
    await live.stop()
  })

  it('is stopped for those too that wait for their turn, and not for who comes later', async () => {
    const working = start()
    await running()
    const waiting = start({ whenHeld: 'wait' })
    await new Promise((resolve) => waiting.events.once('run:started', resolve))
    await operator.stop('copy')
    expect((await working.result).status).toBe('stopped')
    expect(await waiting.result).toMatchObject({ status: 'stopped', attempt: { batches: 0 } })
    const later = start({ stopAfter: { records: 50 } })
    expect((await later.result).attempt.counts.read).toBe(50)
  })

  it('is not stopped by a request that nobody has heard, and that was taken back', async () => {
    await start({ stopAfter: { records: 10 } }).result
    await operator.stop('copy')
    await operator.resume('copy')
    const live = start({ stopAfter: { records: 20 } })
    expect((await live.result).attempt.counts.read).toBe(20)
  })

  it('is not said to be paused while it finishes, for that is not held up', async () => {
    let finish = (): void => {}
    const finishing = new Promise<void>((resolve) => {
      finish = resolve
    })
    const into = withSession(memorySink<Numbered>(), () => ({ finish: () => finishing }))
    const live = start({ sink: into, source: source(30) })
    while ((await operator.list())[0]?.partitions.done !== 1 && live.status()?.counts.read !== 30)
      await new Promise((resolve) => setTimeout(resolve, 5))
    await operator.pause('copy')
    const seen = await until((run) => run.holders[0]?.telling?.heard === 'pause')
    expect([seen.activity, seen.holders[0]?.telling?.isResting]).toEqual(['pausing', false])
    finish()
    expect((await live.result).status).toBe('completed')
  })

  it('whose process is gone is said to be stale, and goes on with the next call', async () => {
    const gone = but(state, { release: async () => {}, settle: async () => {} })
    await start({ state: gone, stopAfter: { records: 30 } }).result
    expect((await operator.status('copy')).activity).toBe('running')
    now += leaseMs / 2 + 10_000
    const stale = await operator.status('copy')
    expect(stale).toMatchObject({ activity: 'stale', counts: { read: 30 } })
    expect(stale.message).toMatch(/^Nobody works on it: the lease of .* is stale, it ended at .* Start it again/)
    await start({ stopAfter: { records: 20 }, state }).result
    expect(await operator.status('copy')).toMatchObject({ activity: 'stopped', counts: { read: 50 } })
  })
})

describe('what cannot be done', () => {
  const completed = async (): Promise<RunState> => {
    await start({ source: source(5) }).result
    return (await state.load('copy', { signal })) as RunState
  }

  it('is refused of a run that has completed', async () => {
    const { run } = await completed()
    const asks = [
      operator.pause('copy'),
      operator.resume('copy'),
      operator.stop('copy'),
      operator.update('copy', { batchSize: 1 }),
    ]
    for (const ask of asks) {
      const error = await failure(ask)
      expect(error).toMatchObject({ code: 'RUN_ENDED', isRetryable: false })
      expect(error.message).toMatch(/^"copy" completed at 20.*there is nothing to (pause|resume|stop|update)\./)
    }
    expect(await operator.status('copy')).toMatchObject({ run, activity: 'completed', control: { state: 'run' } })
  })

  it('is refused of a run that there is not, with the nearest names', async () => {
    await completed()
    for (const ask of [operator.status('coppy'), operator.pause('coppy'), operator.stop('coppy')])
      expect(await failure(ask)).toMatchObject({
        code: 'RUN_UNKNOWN',
        message: 'There is no run "coppy" in memory; did you mean "copy"? There is: copy.',
      })
    expect(await failure(operate(memoryStateStore()).status('copy'))).toMatchObject({
      message: 'There is no run "copy" in memory. There are: none.',
    })
  })

  it('is refused where it makes no sense', async () => {
    await start({ stopAfter: { records: 10 } }).result
    const update = (settings: object) => failure(operator.update('copy', settings as never))
    for (const settings of [{ batchSize: 0 }, { concurrency: 0 }, { recordsPerSecond: -1 }, { batchSize: 2.5 }])
      expect(await update(settings)).toMatchObject({ code: 'OPTION_INVALID' })
    expect((await update({ batchsize: 1 })).message).toContain('did you mean "batchSize"?')
    expect((await update({})).message).toContain('it names none of batchSize, concurrency, recordsPerSecond')
    expect(await failure(operator.pause('copy', ''))).toMatchObject({ code: 'OPTION_INVALID' })
    expect(await failure(operator.status(''))).toMatchObject({ code: 'OPTION_INVALID' })
    expect(() => operate({} as never)).toThrow('operate: state has no load, no list, no control')
    expect((await operator.status('copy')).control).toEqual({ state: 'run' })
  })

  it('is tried again while the store is busy', async () => {
    await start({ stopAfter: { records: 10 } }).result
    let tries = 0
    const busy = but(state, {
      control: async (...all) => {
        if (++tries < 3) throw transient()
        return state.control(...all)
      },
    })
    expect((await operate(busy).update('copy', { batchSize: 4 })).control.batchSize).toBe(4)
  })

  it('keeps secrets and line breaks out of a reason', async () => {
    await start({ stopAfter: { records: 10 } }).result
    const run = await operator.pause('copy', 'see postgres://me:geheim@host/db\nsecond line')
    expect(run.control.reason).toBe('see postgres://***@host/db second line')
  })
})
