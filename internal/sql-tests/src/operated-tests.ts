import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { type Operator, operate, type RunOverview, type StateStore } from '@drover/core'
import { expect, it } from 'vitest'
import { childProgram } from '../../../tooling/child-program.js'
import { type OperatedSaid, operatedLeaseMs, operatedRows } from './operated.js'

/** What a store needs to be operated through. */
export interface OperatedStore extends AsyncDisposable {
  /** The program, which calls `runOperated`, and what it is told. */
  readonly program: string
  readonly parameters: readonly string[]
  /** The state store as a process opens it that only operates. */
  open(): StateStore
  /** How many rows have arrived. */
  rows(): Promise<number>
}

/** A heartbeat, a batch of some milliseconds, and what a loaded machine needs besides. */
const heardWithinMs = operatedLeaseMs / 3 + 1_500

/** Declares what is tried with a run in another, real process, over one kind of state store. */
export function operatedTests(make: () => Promise<OperatedStore>): void {
  it('a run in another process is paused, changed, resumed, stopped, drained and killed, and ends', {
    timeout: 90_000,
  }, async () => {
    await using scene = await Scene.begin(make)
    await isOperated(scene)
    await isDrained(scene)
    await isKilled(scene)
    await ends(scene)
  })
}

async function isOperated(scene: Scene): Promise<void> {
  const { operator } = scene
  const process = scene.start()
  const seen = await scene.until((run) => run.activity === 'running' && (run.progress?.counts.read ?? 0) > 100)
  expect(seen.holders[0]?.holder).toContain(`:${process.pid}:`)
  expect(seen).toMatchObject({ partitions: { total: 4 }, progress: { name: 'copy', run: seen.run } })

  const asked = Date.now()
  // Two operators at once.
  await Promise.all([
    operator.pause('copy', 'an index is built'),
    operate(scene.open()).update('copy', { recordsPerSecond: 2_000 }),
  ])
  const paused = await scene.until((run) => run.activity === 'paused')
  expect(paused.message).toContain('It is paused (an index is built)')
  expect(paused.control.recordsPerSecond).toBe(2_000)
  const rows = await scene.rows()
  expect(rows).toBe(paused.counts.read)
  expect((process.said.findLast(({ batch }) => batch !== undefined)?.at ?? 0) - asked).toBeLessThan(heardWithinMs)
  await scene.beats(2)
  expect(await scene.rows()).toBe(rows)

  const changed = { batchSize: 7, concurrency: 1 }
  await operator.update('copy', changed)
  await scene.until((run) =>
    run.holders.some(({ telling }) => contains(telling, { ...changed, recordsPerSecond: 2_000 })),
  )
  expect(await scene.rows()).toBe(rows)
  const before = process.said.length
  await operator.resume('copy')
  await scene.until((run) => run.activity === 'running' && run.counts.read > rows + 200)
  expect(Math.max(...process.said.slice(before).flatMap(({ batch }) => batch ?? []))).toBe(7)

  await operator.pause('copy')
  await scene.until((run) => run.activity === 'paused')
  const stoppedAt = Date.now()
  await operator.stop('copy', 'enough')
  expect(await process.ended, process.complained).toBe(0)
  expect(Date.now() - stoppedAt).toBeLessThan(heardWithinMs + 2_000)
  const { report } = process.said.at(-1) ?? {}
  expect(report).toMatchObject({ status: 'stopped', reason: 'an operator asked for it: enough' })
  expect(await scene.rows()).toBe(report?.read)
  const stopped = await operator.status('copy')
  expect(stopped).toMatchObject({ activity: 'stopped', holders: [], counts: { read: report?.read } })
  expect(await refusal(operator.pause('cop'))).toMatchObject({
    code: 'RUN_UNKNOWN',
    message: expect.stringContaining('did you mean "copy"?'),
  })
}

async function isDrained(scene: Scene): Promise<void> {
  const process = scene.start()
  const rows = await scene.rows()
  await scene.until((run) => run.activity === 'running' && run.counts.read > rows + 50)
  process.child.kill('SIGTERM')
  expect(await process.ended, process.complained).toBe(0)
  const { report } = process.said.at(-1) ?? {}
  expect(report).toMatchObject({ status: 'stopped', reason: 'the process got SIGTERM' })
  expect(await scene.rows()).toBe(report?.read)
  expect(await scene.operator.status('copy')).toMatchObject({ activity: 'stopped', holders: [] })
}

async function isKilled(scene: Scene): Promise<void> {
  const process = scene.start()
  const rows = await scene.rows()
  await scene.until((run) => run.activity === 'running' && run.counts.read > rows + 50)
  process.child.kill('SIGKILL')
  expect(await process.ended).toBe('SIGKILL')
  const killed = await scene.operator.status('copy')
  expect(killed).toMatchObject({ activity: 'stale', holders: [{ isStale: true }] })
  expect(killed.message).toMatch(/^Nobody works on it: the lease of \S+ is stale, whose process is gone/)
  expect(killed.progress).toBeUndefined()
  // Where the sink alone keeps the positions, what was told last is all that is known.
  expect(killed.counts.read).toBeGreaterThan(rows)
  expect(killed.counts.read).toBeLessThanOrEqual(await scene.rows())
}

async function ends(scene: Scene): Promise<void> {
  const { operator } = scene
  await operator.update('copy', { recordsPerSecond: 0, batchSize: 500 })
  const process = scene.start()
  expect(await process.ended, process.complained).toBe(0)
  expect(process.said.at(-1)?.report).toEqual({ status: 'completed', read: operatedRows })
  expect(await scene.rows()).toBe(operatedRows)
  expect(await operator.status('copy')).toMatchObject({ activity: 'completed', counts: { read: operatedRows } })
  for (const ask of ['pause', 'resume', 'stop'] as const)
    expect(await refusal(operator[ask]('copy'))).toMatchObject({ code: 'RUN_ENDED' })
}

function refusal(ask: Promise<unknown>): Promise<unknown> {
  return ask.catch((error: unknown) => error)
}

class Scene implements AsyncDisposable {
  readonly operator: Operator
  readonly #processes: Process[] = []
  readonly #open: StateStore[] = []

  private constructor(private readonly store: OperatedStore) {
    this.operator = operate(this.open())
  }

  static async begin(make: () => Promise<OperatedStore>): Promise<Scene> {
    return new Scene(await make())
  }

  open(): StateStore {
    const state = this.store.open()
    this.#open.push(state)
    return state
  }

  start(): Process {
    const started = new Process(this.store.program, this.store.parameters)
    this.#processes.push(started)
    return started
  }

  rows(): Promise<number> {
    return this.store.rows()
  }

  /** Looks until something is so, as soon as there is a run. */
  async until(what: (run: RunOverview) => boolean): Promise<RunOverview> {
    for (;;) {
      const [run] = await this.operator.list()
      if (run !== undefined && what(run)) return run
      const failed = this.#processes.at(-1)
      if (failed?.hasFailed === true) throw new Error(`${failed.complained} ${JSON.stringify(failed.said.at(-1))}`)
      await wait(10)
    }
  }

  /** Waits for so many heartbeats more. */
  async beats(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const [before] = await this.operator.list()
      const until = before?.holders[0]?.expiresAt.getTime()
      await this.until((run) => run.holders[0]?.expiresAt.getTime() !== until)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child } of this.#processes) child.kill('SIGKILL')
    await Promise.all(this.#processes.map(({ ended }) => ended))
    for (const state of this.#open) await state[Symbol.asyncDispose]()
    await this.store[Symbol.asyncDispose]()
  }
}

/** A process, and what it says. */
class Process {
  readonly said: OperatedSaid[] = []
  readonly child: ChildProcess
  readonly ended: Promise<number | NodeJS.Signals | null>
  complained = ''

  constructor(program: string, parameters: readonly string[]) {
    const all = ['--unhandled-rejections=strict', childProgram(program), ...parameters]
    const child = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.child = child
    createInterface(child.stdout).on('line', (line) => this.said.push(JSON.parse(line) as OperatedSaid))
    child.stderr.on('data', (chunk: Buffer) => {
      this.complained += chunk.toString()
    })
    this.ended = new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)))
  }

  get pid(): number | undefined {
    return this.child.pid
  }

  get hasFailed(): boolean {
    return this.complained !== '' || this.said.some(({ error }) => error !== undefined)
  }
}

function contains(telling: object | undefined, wanted: Readonly<Record<string, unknown>>): boolean {
  return telling !== undefined && Object.entries(wanted).every(([name, value]) => Reflect.get(telling, name) === value)
}
