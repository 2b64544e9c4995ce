import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A program to hold. */
export interface Program {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** What it says when it has started. */
  readonly ready: string
}

/** The process that ends servers, and removes their folder, when this one is gone. */
export class Guard {
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, (problem: string | null) => void>()
  #requests = 0

  constructor(readonly folder: string) {
    const script = fileURLToPath(new URL('./guard.mjs', import.meta.url))
    // Detached: Ctrl-C is for this process, which then ends the guard.
    const child = spawn(process.execPath, [script, JSON.stringify({ folder })], {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    })
    this.#process = child
    createInterface({ input: child.stdout })
      .on('line', (line) => {
        const [id, problem] = JSON.parse(line) as [number, string | null]
        this.#waiting.get(id)?.(problem)
        this.#waiting.delete(id)
      })
      .on('close', () => {
        for (const answer of this.#waiting.values()) answer('the guard of the server is gone')
        this.#waiting.clear()
      })
    // A server that nobody disposed of keeps no process alive.
    child.unref()
    for (const pipe of [child.stdin, child.stdout]) (pipe as unknown as { unref(): void }).unref()
  }

  start(name: string, program: Program): Promise<void> {
    return this.#ask({ do: 'start', name, ...program })
  }

  signal(name: string, what: 'stop' | 'crash' | 'pause' | 'resume'): Promise<void> {
    return this.#ask({ do: what, name })
  }

  async end(): Promise<void> {
    const { exitCode, signalCode } = this.#process
    if (exitCode !== null || signalCode !== null) return
    this.#process.ref()
    const exited = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#process.stdin?.end()
    await exited
  }

  async #ask(request: Readonly<Record<string, unknown>>): Promise<void> {
    const pipe = this.#process.stdout as unknown as { ref(): void; unref(): void }
    const id = ++this.#requests
    const answered = new Promise<string | null>((resolve) => this.#waiting.set(id, resolve))
    pipe.ref()
    this.#process.stdin?.write(`${JSON.stringify({ id, ...request })}\n`)
    const problem = await answered
    if (this.#waiting.size === 0) pipe.unref()
    if (problem !== null) throw new Error(`Redis did not ${request.do}: ${problem}`)
  }
}
