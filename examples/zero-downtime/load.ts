import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import type { Instance } from './instance.js'
import { e164 } from './phone.js'

/** Readers and writers that never stop, and what must be there by the answers that they got. */
export class Load {
  /** Of each call, the number that was answered last. */
  readonly numbers = new Map<number, string>()
  /** Answers that should not have been. */
  readonly failures: string[] = []
  readonly counts = { reads: 0, changes: 0, additions: 0 }
  slowestMs = 0
  /** Instances that get requests. */
  inService: readonly Instance[] = []
  readonly #agent = new Agent({ keepAlive: true })
  readonly #underWay = new Map<Instance, Set<Promise<unknown>>>()
  /** Of two changes of one call at once nobody knows which is the last. */
  readonly #busy = new Set<number>()
  readonly #running: Promise<void>[] = []
  #isOn = true
  #turn = 0

  get answered(): number {
    const { reads, changes, additions } = this.counts
    return reads + changes + additions
  }

  /** @param pauseMs Between an answer and the next request of the same worker. */
  start(workers: number, pauseMs: number): void {
    for (let i = 0; i < workers; i++) this.#running.push(this.#work(pauseMs))
  }

  /** Resolves when so many more requests have been answered. */
  async more(requests: number): Promise<void> {
    const target = this.answered + requests
    while (this.answered < target && this.failures.length === 0) await wait(5)
  }

  /** Takes an instance out of service, and resolves when it has answered what it was asked. */
  async retire(instance: Instance): Promise<void> {
    this.inService = this.inService.filter((one) => one !== instance)
    await Promise.all(this.#underWay.get(instance) ?? [])
    await instance[Symbol.asyncDispose]()
  }

  async stop(): Promise<void> {
    this.#isOn = false
    await Promise.all(this.#running)
    for (const instance of this.inService) await this.retire(instance)
    this.#agent.destroy()
  }

  async #work(pauseMs: number): Promise<void> {
    while (this.#isOn) {
      const began = performance.now()
      await this.#one().catch((error: unknown) => this.failures.push(String(error)))
      this.slowestMs = Math.max(this.slowestMs, performance.now() - began)
      await wait(pauseMs)
    }
  }

  async #one(): Promise<void> {
    const turn = ++this.#turn
    const number = `(555) ${String(turn % 1000).padStart(3, '0')}-${String(turn % 10_000).padStart(4, '0')}`
    const id = this.#free()
    if (id === undefined || turn % 4 === 0) {
      const { id: added } = (await this.#ask('POST', '/calls', number)) as { readonly id: number }
      this.numbers.set(added, e164(number))
      this.counts.additions++
      return
    }
    this.#busy.add(id)
    try {
      if (turn % 4 === 1) {
        await this.#ask('PUT', `/calls/${id}`, number)
        this.numbers.set(id, e164(number))
        this.counts.changes++
        return
      }
      const { phone } = (await this.#ask('GET', `/calls/${id}`)) as { readonly phone: string }
      const known = this.numbers.get(id)
      if (phone !== known) this.failures.push(`call ${id} has ${known}, and ${phone} was read`)
      this.counts.reads++
    } finally {
      this.#busy.delete(id)
    }
  }

  #free(): number | undefined {
    const ids = [...this.numbers.keys()]
    const start = Math.floor(Math.random() * ids.length)
    return [...ids.slice(start), ...ids.slice(0, start)].find((id) => !this.#busy.has(id))
  }

  async #ask(method: string, path: string, body?: string): Promise<unknown> {
    const instance = this.inService[this.#turn % this.inService.length]
    if (instance === undefined) throw new Error('There is no instance in service.')
    const sent = new Promise<unknown>((resolve, reject) => {
      const options = { host: '127.0.0.1', port: instance.port, method, path, agent: this.#agent }
      const outgoing = request(options, (response) => {
        text(response).then((answer) => {
          if (response.statusCode === 200) resolve(JSON.parse(answer))
          else reject(new Error(`${method} ${path} of release ${instance.release}: ${response.statusCode} ${answer}`))
        }, reject)
      })
      outgoing.on('error', reject).end(body)
    })
    const underWay = this.#underWay.get(instance) ?? new Set()
    this.#underWay.set(instance, underWay)
    underWay.add(sent)
    try {
      return await sent
    } finally {
      underWay.delete(sent)
    }
  }
}
