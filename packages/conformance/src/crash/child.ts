import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { DroverError } from '@drover/core'

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
  /** Longer no life lasts, in milliseconds. */
  readonly timeoutMs: number
}

/**
 * What the child does. It is given as text, so that it runs whatever the harness was compiled to. What it says is written
 * synchronously: nothing said is lost with the process.
 */
const script = `
const { writeSync } = await import('node:fs')
const [worker, pair, directory, whenHeld, chance] = process.argv.slice(1)
const { pairs } = await import(worker)
writeSync(1, 'run\\n')
try {
  await pairs[pair].run(directory, { whenHeld, chance: Number(chance), committed: () => void writeSync(1, 'batch\\n') })
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
  /** When it had loaded everything and began, had its first batch durable, and ended: milliseconds since the process started. */
  beganAt = 0
  firstBatchAt = 0
  endedAt = 0
  readonly #process: ChildProcessByStdio<null, Readable, Readable>
  readonly #startedAt = performance.now()
  readonly #began: Promise<void>
  #killed = false

  constructor(options: ChildOptions) {
    const { worker, pair, directory, whenHeld, chance, timeoutMs } = options
    const args = ['--input-type=module', '--eval', script, worker.href, pair, directory, whenHeld, String(chance)]
    this.#process = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: directory })
    let begin = (): void => {}
    this.#began = new Promise((resolve) => {
      begin = resolve
    })
    this.ended = this.#watch(begin, timeoutMs)
  }

  /** Resolves once it works, or has ended. */
  get began(): Promise<void> {
    return this.#began
  }

  kill(): void {
    this.#killed = this.#process.kill('SIGKILL')
  }

  async #watch(begin: () => void, timeoutMs: number): Promise<End> {
    let said = ''
    let complained = ''
    this.#process.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (this.beganAt === 0 && said.startsWith('run\n')) {
        this.beganAt = performance.now() - this.#startedAt
        begin()
      }
      this.batches = said.split('batch\n').length - 1
      if (this.batches > 0 && this.firstBatchAt === 0) this.firstBatchAt = performance.now() - this.#startedAt
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
    this.endedAt = performance.now() - this.#startedAt
    begin()
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
