import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'

/** A line that an instance says. */
export interface Said {
  readonly listening?: { readonly port: number }
  /** It has begun to count: the work is its own. */
  readonly working?: true
  /** The end of its start-up. */
  readonly finished?: boolean
  readonly status?: string
  readonly reason?: string
  readonly worked?: boolean
  /** For how long its event loop was kept at a time, while it started. */
  readonly loopMs?: { readonly p50: number; readonly p99: number; readonly max: number }
  readonly drained?: true
  readonly warn?: string
  readonly error?: string
}

const source: readonly string[] = [
  '--import',
  import.meta.resolve('tsx'),
  path.join(import.meta.dirname, 'application.ts'),
]

/** A process of the application. */
export class Instance {
  readonly said: Said[] = []
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string | null>
  readonly #process: ChildProcess
  readonly #events = new EventEmitter<{ said: [Said] }>()
  #wasKilled = false
  #port = 0

  constructor(
    readonly name: string,
    connection: string,
    parameters: readonly string[],
    application = source,
  ) {
    const child = spawn(process.execPath, [...process.execArgv, ...application, ...parameters], {
      env: { ...process.env, DATABASE_URL: connection, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#process = child
    createInterface(child.stdout).on('line', (line) => this.#hear(JSON.parse(line) as Said))
    this.ended = once(child, 'close').then(([code, signal]) => signal ?? code)
  }

  get port(): number {
    return this.#port
  }

  get isWorking(): boolean {
    return this.said.some(({ working }) => working) && !this.said.some(({ finished }) => finished !== undefined)
  }

  /** Without a chance to answer what it was asked. */
  get wasKilled(): boolean {
    return this.#wasKilled
  }

  kill(signal: NodeJS.Signals): void {
    if (signal === 'SIGKILL') this.#wasKilled = true
    this.#process.kill(signal)
  }

  /** The first line, of those said and those to come, of which this holds. */
  async hear(wanted: (said: Said) => boolean): Promise<Said> {
    for (let heard = 0; ; ) {
      const found = this.said.slice(heard).find(wanted)
      if (found !== undefined) return found
      heard = this.said.length
      const end = this.ended.then((code) => {
        throw new Error(`${this.name} ended (${code}) before it said what was waited for.`)
      })
      await Promise.race([once(this.#events, 'said'), end])
    }
  }

  #hear(said: Said): void {
    if (said.listening !== undefined) this.#port = said.listening.port
    this.said.push(said)
    this.#events.emit('said', said)
  }
}
