import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Backfiller } from '../contracts/backfiller.js'
import type { StateStore } from '../contracts/state-store.js'
import { startPipeline } from '../engine/run-pipeline.js'
import { but, failure, ids, type Numbered, numbers, signal, source } from '../engine/testing/rigs.js'
import { DroverError } from '../errors/drover-error.js'
import { memorySource } from '../memory/memory-source.js'
import { sink } from '../sinks/sink.js'
import { memoryStateStore } from '../state/memory-state-store.js'
import { backfillTask } from './backfill-task.js'
import { onStartup, type StartupOptions } from './on-startup.js'
import { onceTask } from './once-task.js'
import { pipelineTask } from './pipeline-task.js'
import type { StartupTask } from './startup-task.js'

/** Collects what is written, a batch each `ms`. */
function collector(ms = 0) {
  const written: Numbered[] = []
  const into = sink<Numbered>({
    name: 'collector',
    guarantee: 'idempotent',
    batchSize: 10,
    write: async (records) => {
      await sleep(ms)
      written.push(...records)
    },
  })
  return { written, into }
}

const copy = (into: ReturnType<typeof collector>['into'], name = 'copy', count = 100): StartupTask =>
  pipelineTask({ name, source: source(count), sink: into })

const start = (state: StateStore, tasks: readonly StartupTask[], more: Partial<StartupOptions> = {}) =>
  onStartup({ state, tasks, whenHeld: 'wait', ...more })

const statuses = (report: { readonly tasks: readonly { readonly status: string }[] }) =>
  report.tasks.map(({ status }) => status)

/** A task that is whatever `run` is. */
const own = (name: string, run: StartupTask['run']): StartupTask => ({ name, run })
const finished = { status: 'completed', worked: true } as const

/** A backfiller that counts its batches. */
function counting(calls: string[]): Backfiller {
  return {
    name: 'tokens',
    backfillBatch: async () => {
      calls.push('batch')
      return { scanned: 1, changed: 1, cursor: 1, done: true }
    },
  }
}

describe('onStartup', () => {
  it('runs pipelines, backfills and functions in order, and does none of them at the next start', async () => {
    const state = memoryStateStore()
    const order: string[] = []
    const { written, into } = collector()
    const tasks = [
      onceTask({ name: 'schema', run: async () => void order.push('schema') }),
      copy(into),
      backfillTask({ backfiller: counting(order) }),
      own('mine', async () => {
        order.push(`mine behind ${written.length}`)
        return finished
      }),
    ]
    const first = await start(state, tasks)
    expect(first).toMatchObject({ finished: true })
    expect(first.tasks.map(({ name, status, worked }) => [name, status, worked])).toEqual([
      ['schema', 'completed', true],
      ['copy', 'completed', true],
      ['tokens', 'completed', true],
      ['mine', 'completed', true],
    ])
    expect(first.tasks[1]?.report?.counts).toMatchObject({ read: 100, written: 100 })
    const second = await start(state, tasks)
    expect(statuses(second)).toEqual(['nothing', 'nothing', 'nothing', 'completed'])
    expect(second.tasks.map(({ worked }) => worked)).toEqual([false, false, false, true])
    expect(second.tasks[1]?.reason).toMatch(/^it completed at 20/)
    expect(order).toEqual(['schema', 'batch', 'mine behind 100', 'mine behind 100'])
  })

  it('is done once by instances that start together, by one of them; the others wait', async () => {
    const state = memoryStateStore()
    const { written, into } = collector(2)
    const calls: string[] = []
    const tasks = () => [copy(into), backfillTask({ backfiller: counting(calls) })]
    const reports = await Promise.all(Array.from({ length: 6 }, () => start(state, tasks())))
    expect(reports.every((report) => report.finished)).toBe(true)
    expect(ids(written)).toEqual(ids(numbers(100)))
    expect(calls).toHaveLength(1)
    for (const at of [0, 1]) expect(reports.filter(({ tasks }) => tasks[at]?.worked)).toHaveLength(1)
  })

  it('is done once where partitions are worked on side by side: nobody holds one that another waits for', async () => {
    for (const whenHeld of ['wait', 'skip'] as const) {
      const state = memoryStateStore()
      // Each of them comes to another partition first.
      const instances = [0, 1, 2, 3].map((instance) =>
        but(state, {
          acquire: async (want, operation) => {
            await sleep(((Number(want.partition.id) + instance) % 4) * 20)
            return state.acquire(want, operation)
          },
        }),
      )
      const { written, into } = collector(1)
      const task = () =>
        pipelineTask({
          name: 'wide',
          source: memorySource({ records: numbers(200), key: 'id', partitions: 4 }),
          sink: into,
          parallel: 4,
        })
      const reports = await Promise.all(
        instances.map((instance) => start(instance, [task()], { whenHeld, timeoutMs: 5_000 })),
      )
      expect(reports.flatMap(statuses).sort()).toEqual(
        whenHeld === 'wait' ? Array(4).fill('completed') : ['completed', 'held', 'held', 'held'],
      )
      expect(reports.filter(({ tasks }) => tasks[0]?.worked)).toHaveLength(1)
      expect(ids(written).sort((a, b) => a - b)).toEqual(ids(numbers(200)))
    }
  })

  it('goes on without what another instance works on, and what stands behind it', async () => {
    const state = memoryStateStore()
    const { into } = collector(5)
    const elsewhere = startPipeline({ name: 'copy', source: source(1_000), sink: into, state })
    await new Promise((resolve) => elsewhere.events.once('batch:committed', resolve))
    const called: string[] = []
    const after = own('after', async () => {
      called.push('after')
      return finished
    })
    const report = await start(state, [copy(into, 'copy', 1_000), after, own('last', after.run)], { whenHeld: 'skip' })
    await elsewhere.stop()
    expect(report.finished).toBe(false)
    expect(statuses(report)).toEqual(['held', 'not-begun', 'not-begun'])
    expect(report.tasks[0]?.reason).toContain('works on it, with a lease until')
    expect(report.tasks[2]?.reason).toBe('copy is not finished')
    expect(called).toEqual([])
  })

  it('commits the batch in hand when its signal is aborted, and the next start goes on there', async () => {
    const state = memoryStateStore()
    const { written, into } = collector(5)
    const controller = new AbortController()
    const called: string[] = []
    const tasks = [
      copy(into, 'copy', 1_000),
      own('after', async () => {
        called.push('after')
        return finished
      }),
    ]
    const stopping = start(state, tasks, { signal: controller.signal })
    while (written.length < 30) await sleep(1)
    controller.abort()
    const report = await stopping
    expect(report.finished).toBe(false)
    expect(report.tasks).toMatchObject([
      { status: 'stopped', reason: 'its signal was aborted', worked: true },
      { status: 'not-begun', worked: false },
    ])
    expect(called).toEqual([])
    const before = written.length
    expect(before).toBeLessThan(1_000)
    const { tasks: done } = await start(state, tasks)
    expect(done[0]).toMatchObject({ status: 'completed', report: { attempt: { resumed: true } } })
    expect(ids(written)).toEqual(ids(numbers(1_000)))
  })

  it('stops before it begins if its signal is aborted already', async () => {
    const { written, into } = collector()
    const report = await start(memoryStateStore(), [copy(into)], { signal: AbortSignal.abort() })
    expect(report.tasks).toMatchObject([{ status: 'stopped', worked: false }])
    expect(written).toEqual([])
  })

  it('does not wait for longer than its time, nor work', async () => {
    const state = memoryStateStore()
    const { written, into } = collector(20)
    const working = start(state, [copy(into, 'copy', 1_000)], { timeoutMs: 300 })
    while (written.length === 0) await sleep(1)
    const waiting = await start(state, [copy(into, 'copy', 1_000)], { timeoutMs: 50 })
    expect(waiting.tasks).toMatchObject([{ status: 'stopped', reason: 'its 50 ms are over', worked: false }])
    expect((await working).tasks).toMatchObject([{ status: 'stopped', reason: 'its 300 ms are over', worked: true }])
  })

  it('stops by a signal of the process if it was asked to, and listens no longer than it runs', async () => {
    const { written, into } = collector(5)
    const stopping = start(memoryStateStore(), [copy(into, 'copy', 1_000)], { drainOn: ['SIGUSR2'] })
    while (written.length === 0) await sleep(1)
    expect(process.listenerCount('SIGUSR2')).toBe(1)
    process.kill(process.pid, 'SIGUSR2')
    expect((await stopping).tasks).toMatchObject([{ status: 'stopped', reason: 'the process got SIGUSR2' }])
    expect(process.listenerCount('SIGUSR2')).toBe(0)
    await start(memoryStateStore(), [copy(into, 'copy', 10)], { drainOn: ['SIGUSR2'] })
    expect(process.listenerCount('SIGUSR2')).toBe(0)
  })

  it('rejects with what a task fails with, and begins none behind it', async () => {
    const called: string[] = []
    const tasks = [
      own('broken', async () => Promise.reject(new Error('no such table, password=hunter2'))),
      own('after', async () => {
        called.push('after')
        return finished
      }),
    ]
    const error = await failure(start(memoryStateStore(), tasks))
    expect(error.message).toContain('the start-up failed at broken: no such table')
    expect(error.message).not.toContain('hunter2')
    expect(called).toEqual([])
    const { into } = collector()
    const refused = pipelineTask({
      name: 'refused',
      source: source(3),
      sink: into,
      deadLetters: sink({ name: 'none', guarantee: 'idempotent', write: async () => {} }),
      state: but(memoryStateStore(), {
        open: async () => Promise.reject(new DroverError('STORE_DENIED', 'no right to it')),
      }),
    })
    expect(await failure(start(memoryStateStore(), [refused]))).toMatchObject({ code: 'STORE_DENIED' })
  })

  it('waits for the one that took it over while it slept, and is not harmed', async () => {
    const state = memoryStateStore()
    const { written, into } = collector()
    let isAsleep = false
    let wake = (): void => {}
    const sleeping = but(state, {
      heartbeat: async (lease, options) => (isAsleep ? new Promise(() => {}) : state.heartbeat(lease, options)),
    })
    const dozing = sink<Numbered>({
      name: 'collector',
      guarantee: 'idempotent',
      batchSize: 10,
      write: async (records) => {
        if (!isAsleep && records[0]?.id === 31) {
          isAsleep = true
          await new Promise<void>((resolve) => {
            wake = resolve
          })
          isAsleep = false
          return // too late: its lease is over, and nobody will hear of what it wrote
        }
        written.push(...records)
      },
    })
    const said: string[] = []
    const logger = { debug() {}, info() {}, error() {}, warn: (text: string) => void said.push(text) }
    const task = (to: typeof into) => pipelineTask({ name: 'copy', source: source(100), sink: to, leaseMs: 100 })
    const zombie = start(sleeping, [task(dozing)], { logger })
    while (!isAsleep) await sleep(1)
    const other = await start(state, [task(into)])
    wake()
    expect(other.tasks).toMatchObject([{ status: 'completed', worked: true }])
    const woken = await zombie
    expect(woken.tasks[0]?.status).toMatch(/^(completed|nothing)$/)
    expect(woken.tasks[0]?.worked).toBe(true)
    expect(said.join('\n')).toMatch(/start-up: copy: this instance has lost it to another one, (FENCED|LEASE_LOST)/)
    expect(ids(written)).toEqual(ids(numbers(100)))
  })

  it('does not take work from another one again and again', async () => {
    let calls = 0
    const lost = own('lost', async () => {
      calls++
      throw new DroverError('FENCED', 'another one has it')
    })
    expect(await failure(start(memoryStateStore(), [lost]))).toMatchObject({ code: 'FENCED' })
    expect(calls).toBe(10)
  })

  it('aborts a function that is to end, and takes it for stopped', async () => {
    const controller = new AbortController()
    const state = memoryStateStore()
    let runs = 0
    const task = onceTask({
      name: 'index',
      run: async ({ signal }) => {
        if (++runs === 1) await sleep(60_000, undefined, { signal })
      },
    })
    const stopping = start(state, [task], { signal: controller.signal })
    while (runs === 0) await sleep(1)
    controller.abort()
    expect((await stopping).tasks).toMatchObject([{ status: 'stopped', reason: 'its signal was aborted' }])
    expect(statuses(await start(state, [task]))).toEqual(['completed'])
    expect(statuses(await start(state, [task]))).toEqual(['nothing'])
    expect(runs).toBe(2)
  })

  it('leaves the event loop free', async () => {
    const { into } = collector()
    let longest = 0
    let last = performance.now()
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last)
      last = performance.now()
    }, 1)
    const many = pipelineTask({ name: 'many', source: source(100_000), sink: into, batchSize: 1_000 })
    await start(memoryStateStore(), [many])
    clearInterval(timer)
    expect(longest).toBeGreaterThan(0)
    expect(longest).toBeLessThan(250) // slices of 50 ms, on a machine that may be busy
  })

  it('is not harmed by a logger that fails', async () => {
    const fail = () => {
      throw new Error('the logger broke')
    }
    const logger = { debug: fail, info: fail, warn: fail, error: fail }
    const { into } = collector()
    expect((await start(memoryStateStore(), [copy(into)], { logger })).finished).toBe(true)
  })

  it('refuses options that it does not know, or that would do nothing', async () => {
    const state = memoryStateStore()
    const { into } = collector()
    const wrong: [object, RegExp][] = [
      [{ tasks: [], whenHeld: 'wait' }, /state names the store/],
      [{ state, tasks: [] }, /whenHeld is one of 'wait', 'skip', and has to be said/],
      [{ state, tasks: [], whenHeld: 'fail' }, /whenHeld is one of/],
      [{ state, tasks: [], whenHeld: 'wait', timeout: 5 }, /there is no option "timeout"; did you mean "timeoutMs"/],
      [{ state, tasks: [], whenHeld: 'wait', timeoutMs: 2 ** 31 }, /timeoutMs is 2147483647 at the most/],
      [{ state, tasks: [], whenHeld: 'wait', drainOn: ['SIGKILL'] }, /a process can catch/],
      [{ state, tasks: [], whenHeld: 'wait', drainOn: 'SIGTERM' }, /drainOn is a list/],
      [{ state, tasks: [{ name: 'x' }], whenHeld: 'wait' }, /make the task with pipelineTask/],
      [{ state, tasks: [copy(into), copy(into)], whenHeld: 'wait' }, /two tasks are called "copy"/],
    ]
    for (const [options, message] of wrong) {
      const error = await failure(onStartup(options as StartupOptions))
      expect(error).toMatchObject({ code: 'OPTION_INVALID' })
      expect(error.message).toMatch(message)
    }
    expect(() => pipelineTask({ name: '', source: source(1), sink: into })).toThrow(/name is a text/)
    expect(() => onceTask({ name: 'x', run: 5 as never })).toThrow(/run is a function/)
    expect(() => backfillTask({ backfiller: { name: 'x' } as never })).toThrow(/backfillBatch/)
  })

  it('gives a task the state store and the signal of the start-up', async () => {
    const state = memoryStateStore()
    const seen: unknown[] = []
    await start(state, [
      own('mine', async (context) => {
        seen.push(context.state === state, context.whenHeld, context.signal.aborted)
        return finished
      }),
    ])
    expect(seen).toEqual([true, 'wait', false])
    expect(await state.load('mine', { signal })).toBeNull()
  })
})
