import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { DroverError } from '@drover/core'
import type { Moment } from './timing.js'

/** How a life ended: by itself, by a kill, or with an error that has a code. */
export type End =
  | { readonly kind: 'completed' | 'killed' }
  | { readonly kind: 'failed'; readonly code: string; readonly said: string }

export interface ChildOptions {
  readonly worker: URL
  readonly pair: string
  readonly directory: string
  readonly whenHeld: 'fail' | 'wait'
  readonly chance: number
  readonly leaseMs: number | undefined
  /** Longer no life lasts, in milliseconds. */
  readonly timeoutMs: number
}

/**
 * What the child does. It is given as text, so that it runs whatever the harness was compiled to. What it says is written
 * synchronously: nothing said is lost with the process.
 */
const script = `
const { writeSync } = await import('node:fs')
const [worker, pair, directory, whenHeld, chance, leaseMs] = process.argv.slice(1)
const { pairs } = await import(worker)
writeSync(1, 'run\\n')
const life = { whenHeld, chance: Number(chance), committed: () => void writeSync(1, 'batch\\n') }
try {
  await pairs[pair].run(directory, leaseMs === undefined ? life : { ...life, leaseMs: Number(leaseMs) })
  writeSync(1, 'completed\\n')
} catch (error) {
  writeSync(1, 'failed ' + (error?.code ?? 'unknown') + '\\n')
  writeSync(2, (error?.stack ?? String(error)) + '\\n')
  process.exitCode = 1
}
`

/** One life: a process that works until it is done or killed. */
export class Child {
  /** Batches that it said were durable. */
  batches = 0
  readonly ended: Promise<End>
  /** When it had loaded everything and began, had its first and last batch durable, and ended: in milliseconds. */
  beganAt = 0
  firstBatchAt = 0
  lastBatchAt = 0
  endedAt = 0
  /** It was stopped on its way. */
  slept = false
  readonly #process: ChildProcessByStdio<null, Readable, Readable>
  #killed = false
  #onSaid: () => void = () => {}

  constructor(options: ChildOptions) {
    const { worker, pair, directory, whenHeld, chance, leaseMs, timeoutMs } = options
    const args = ['--input-type=module', '--eval', script, worker.href, pair, directory, whenHeld, String(chance)]
    if (leaseMs !== undefined) args.push(String(leaseMs))
    this.#process = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: directory })
    this.ended = this.#watch(timeoutMs)
  }

  /** Kills it at that moment, unless it has ended by then. */
  async killAt(moment: Moment): Promise<End> {
    return await this.#at(moment, () => {
      this.#killed = this.#process.kill('SIGKILL')
    })
  }

  /** Stops it at that moment, unless it has ended by then, and lets it go on after so long. */
  async sleepAt(moment: Moment, sleepMs: number): Promise<End> {
    let alarm: NodeJS.Timeout | undefined
    const end = this.#at(moment, () => {
      this.slept = this.#process.kill('SIGSTOP')
      alarm = setTimeout(() => this.#process.kill('SIGCONT'), sleepMs)
    })
    return await end.finally(() => clearTimeout(alarm))
  }

  async #at({ batches, thenMs }: Moment, strike: () => void): Promise<End> {
    const reached = new Promise<boolean>((resolve) => {
      this.#onSaid = () => {
        if (this.beganAt > 0 && this.batches >= batches) resolve(true)
      }
      this.#onSaid()
      void this.ended.then(
        () => resolve(false),
        () => resolve(false),
      )
    })
    if (await reached) {
      const timer = setTimeout(strike, thenMs)
      await this.ended.finally(() => clearTimeout(timer))
    }
    return await this.ended
  }

  async #watch(timeoutMs: number): Promise<End> {
    let said = ''
    let complained = ''
    this.#process.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      const now = performance.now()
      if (this.beganAt === 0 && said.startsWith('run\n')) this.beganAt = now
      const batches = said.split('batch\n').length - 1
      if (batches > this.batches) this.lastBatchAt = now
      if (this.batches === 0) this.firstBatchAt = this.lastBatchAt
      this.batches = batches
      this.#onSaid()
    })
    this.#process.stderr.on('data', (chunk: Buffer) => {
      complained = (complained + chunk.toString()).slice(-4_000)
    })
    let late = false
    const timer = setTimeout(() => {
      late = true
      this.#process.kill('SIGKILL')
    }, timeoutMs)
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      this.#process.once('error', reject)
      this.#process.once('close', (exit, by) => resolve([exit, by]))
    })
    clearTimeout(timer)
    this.endedAt = performance.now()
    if (late)
      throw new DroverError(
        'CONTRACT_BROKEN',
        `crash harness: a process did not end within ${timeoutMs} ms. ${complained}`,
      )
    if (said.endsWith('completed\n') && code === 0) return { kind: 'completed' }
    if (signal === 'SIGKILL' && this.#killed) return { kind: 'killed' }
    const [, failure = 'unknown'] = /failed (.*)\n$/.exec(said) ?? []
    return { kind: 'failed', code: failure, said: complained.trim() || `it ended with ${signal ?? code}` }
  }
}
