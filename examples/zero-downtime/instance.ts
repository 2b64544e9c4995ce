import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'

/** A line that an instance says. */
interface Said {
  readonly listening?: { readonly port: number }
  /** Revisions that it does not know, and may work with. */
  readonly ahead?: readonly string[]
  /** Why it did not start. */
  readonly refused?: string
}

const source: readonly string[] = [
  '--import',
  import.meta.resolve('tsx'),
  path.join(import.meta.dirname, 'application.ts'),
]

/** A process of the application. */
export class Instance implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #ended: Promise<unknown>
  readonly #said: Said[] = []
  readonly #events = new EventEmitter<{ said: [] }>()

  constructor(
    readonly release: number,
    url: string,
    application = source,
  ) {
    const child = spawn(process.execPath, [...process.execArgv, ...application, String(release)], {
      env: { ...process.env, DATABASE_URL: url },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#process = child
    createInterface(child.stdout).on('line', (line) => {
      this.#said.push(JSON.parse(line) as Said)
      this.#events.emit('said')
    })
    this.#ended = once(child, 'close')
  }

  get port(): number {
    return this.#said.find(({ listening }) => listening !== undefined)?.listening?.port ?? 0
  }

  /** Resolves once it takes requests. */
  async ready(): Promise<this> {
    const { refused } = await this.#hear(({ listening, refused }) => listening !== undefined || refused !== undefined)
    if (refused !== undefined) throw new Error(`Release ${this.release} did not start: ${refused}`)
    return this
  }

  /** Why it did not start. */
  async refusal(): Promise<string | undefined> {
    return (await this.#hear(({ listening, refused }) => listening !== undefined || refused !== undefined)).refused
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGTERM')
    await this.#ended
  }

  async #hear(wanted: (said: Said) => boolean): Promise<Said> {
    for (;;) {
      const found = this.#said.find(wanted)
      if (found !== undefined) return found
      const end = this.#ended.then(() => {
        throw new Error(`Release ${this.release} ended before it said what was waited for.`)
      })
      await Promise.race([once(this.#events, 'said'), end])
    }
  }
}
