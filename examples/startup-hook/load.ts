import { Agent } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { AnswerError, ask } from './ask.js'
import type { Instance } from './instance.js'
import { Latencies } from './latencies.js'
import { Ledger } from './ledger.js'

export interface LoadOptions {
  readonly requestsPerSecond: number
  /** Messages that are there from the beginning: ids 1 to this. */
  readonly rows: number
}

/**
 * Sends requests to the instances in service, at their times whether or not earlier ones have been answered, and counts from these
 * times: a request that had to wait for its turn took that long, too.
 */
export class Load {
  readonly latencies = new Latencies()
  readonly ledger = new Ledger()
  /** What was answered that should not have been. */
  readonly failures: string[] = []
  /** Instances that get requests. */
  inService: readonly Instance[] = []
  /** Where latencies are counted; undefined counts none. */
  phase: string | undefined
  readonly #agent = new Agent({ keepAlive: true })
  readonly #underWay = new Map<Instance, Set<Promise<void>>>()
  #isOn = false
  #running: Promise<void> | undefined
  #sent = 0

  constructor(private readonly options: LoadOptions) {}

  start(): void {
    this.#isOn = true
    this.#running = this.#run()
  }

  /** Resolves when every request has been answered. */
  async stop(): Promise<void> {
    this.#isOn = false
    await this.#running
    for (const instance of this.#underWay.keys()) await this.answered(instance)
    this.#agent.destroy()
  }

  /** Resolves when the instance, which gets no more, has answered what it was asked. */
  async answered(instance: Instance): Promise<void> {
    await Promise.all(this.#underWay.get(instance) ?? [])
  }

  async #run(): Promise<void> {
    const gap = 1000 / this.options.requestsPerSecond
    let due = performance.now()
    while (this.#isOn) {
      for (; due <= performance.now(); due += gap) this.#send(due)
      await wait(Math.max(0, due - performance.now()))
    }
  }

  #send(due: number): void {
    const instance = this.inService[Math.floor(Math.random() * this.inService.length)]
    if (instance === undefined) return
    const underWay = this.#underWay.get(instance) ?? new Set()
    this.#underWay.set(instance, underWay)
    const sent: Promise<void> = this.#one(instance, due)
      .catch((error: unknown) => {
        this.failures.push(String(error))
      })
      .finally(() => underWay.delete(sent))
    underWay.add(sent)
  }

  async #one(instance: Instance, due: number): Promise<void> {
    const { phase, ledger } = this
    const who = instance.isWorking ? ', the instance that backfills' : ''
    const kind = Math.random()
    const id = ledger.free(this.options.rows)
    const content = `written ${++this.#sent}: ${'a little more than was there before, '.repeat(4)}`
    if (kind < 0.6) await this.#ask(instance, 'GET', `/messages/${id}`)
    else if (kind < 0.85) await ledger.edit(id, content, () => this.#ask(instance, 'PUT', `/messages/${id}`, content))
    else await ledger.add(content, () => this.#ask(instance, 'POST', '/messages', content))
    const ms = performance.now() - due
    if (phase !== undefined) this.latencies.add(phase, `${kind < 0.6 ? 'reads' : 'writes'}${who}`, ms)
  }

  /** What the instance answers; undefined if it was killed before it had. */
  async #ask(instance: Instance, method: string, path: string, body?: string): Promise<unknown> {
    try {
      return await ask(instance.port, { method, path, ...(body === undefined ? {} : { body }), agent: this.#agent })
    } catch (error) {
      if (instance.wasKilled && !(error instanceof AnswerError)) return undefined
      throw error
    }
  }
}
