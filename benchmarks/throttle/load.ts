import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** How long the application's queries took, by when they were answered. */
export interface Answer {
  /** In milliseconds since the load began. */
  readonly at: number
  readonly ms: number
}

/** The application, and what it measures of itself. */
export class Load implements AsyncDisposable {
  readonly answers: Answer[] = []
  readonly begun = performance.now()

  private constructor(private readonly child: ChildProcess) {
    child.on('message', (times: readonly number[]) => {
      const { now } = this
      for (const ms of times) this.answers.push({ at: now, ms })
    })
  }

  static async start(url: string, perSecond: number, rows: number): Promise<Load> {
    const file = fileURLToPath(new URL('./application.mjs', import.meta.url))
    const load = new Load(fork(file, [url, String(perSecond), String(rows)]))
    while (load.answers.length < perSecond) await once(load.child, 'message')
    return load
  }

  /** While the table is made ready for the next round, nobody asks: queries that wait for that would be counted later. */
  ask(isAsking: boolean): void {
    this.child.send(isAsking ? 'ask' : 'rest')
  }

  /** Milliseconds since it began. */
  get now(): number {
    return performance.now() - this.begun
  }

  /** What that share of the queries took at the most, of those answered between two times. */
  quantile(share: number, from: number, to?: number): number {
    return quantile(this.times(from, to), share)
  }

  times(from: number, to = Number.POSITIVE_INFINITY): number[] {
    return this.answers.filter(({ at }) => at > from && at <= to).map(({ ms }) => ms)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = once(this.child, 'exit')
    this.child.disconnect()
    await gone
  }
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
