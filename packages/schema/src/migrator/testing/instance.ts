import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface, type Interface } from 'node:readline'

export interface Said {
  readonly status?: string
  readonly revisions?: readonly string[]
  readonly again?: string
  readonly error?: string
}

/** A process of `ensure.child.ts`, which is bundled. */
export class Instance implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly ended: Promise<number | NodeJS.Signals | null>

  /** @param dieAt What it is killed at, or stopped. */
  constructor(program: string, dieAt = 0, by: 'SIGKILL' | 'SIGSTOP' = 'SIGKILL', leaseMs = 5_000) {
    const child = spawn(
      process.execPath,
      ['--unhandled-rejections=strict', program, String(dieAt), by, String(leaseMs)],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    )
    this.#child = child
    const lines: Interface = createInterface(child.stdout)
    this.#lines = lines[Symbol.asyncIterator]()
    this.ended = new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)))
  }

  /** When its program is loaded. */
  async ready(): Promise<void> {
    await this.#lines.next()
  }

  /** Ensures the schema there; null if it was killed meanwhile. */
  async ensure(location: string): Promise<Said | null> {
    this.#child.stdin?.write(`${location}\n`)
    const { value, done } = await this.#lines.next()
    return done === true ? null : (JSON.parse(value) as Said)
  }

  /** Wakes one that was stopped, and hears what it says then. */
  async wake(): Promise<Said | null> {
    this.#child.kill('SIGCONT')
    const { value, done } = await this.#lines.next()
    return done === true ? null : (JSON.parse(value) as Said)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }
}
