import { abortError } from '@drover/core'
import type { RedisNode } from '../../connection/redis-node.js'
import { type ScanSettings, scanArguments } from './scan-settings.js'
import { processOf } from './server-process.js'

/** Takes keys, which are views of an answer; what it returns is awaited before there are more. */
export type TakeKeys = (keys: readonly Buffer[]) => Promise<void> | undefined

/**
 * The scan of one server. Broken off by an error it goes on where it was, if the server is the same process then: to another one, after a
 * restart or a failover, a cursor says nothing, and it begins again. That keys come again is no harm.
 */
export class NodeScan {
  #cursor = '0'
  #process: string | null = null
  #isDone = false

  constructor(
    /** Of the server. */
    readonly name: string,
    private readonly settings: ScanSettings,
  ) {}

  get isDone(): boolean {
    return this.#isDone
  }

  /** Which process the server was; null if that cannot be known. */
  get process(): string | null {
    return this.#process
  }

  /** @throws DroverError */
  async run(node: RedisNode, take: TakeKeys, signal: AbortSignal): Promise<void> {
    while (!this.#isDone) {
      const before = await unlessAborted(processOf(node), signal)
      if (before === null || before !== this.#process) this.#cursor = '0'
      this.#process = before
      await this.#pass(node, take, signal)
      // A connection that broke and came back between two commands is not noticed otherwise.
      if (before !== null && (await unlessAborted(processOf(node), signal)) !== before) continue
      this.#isDone = true
    }
  }

  /** From the cursor to the end. While keys are taken, the server looks for the next ones. */
  async #pass(node: RedisNode, take: TakeKeys, signal: AbortSignal): Promise<void> {
    const rest = scanArguments(this.settings)
    const ask = (cursor: string) => unlessAborted(node.call('looking for keys', 'SCAN', cursor, ...rest), signal)
    let answer = ask(this.#cursor)
    for (;;) {
      const [cursor, keys] = (await answer) as [Buffer, Buffer[]]
      const next = cursor.toString('latin1')
      const isLast = next === '0'
      if (!isLast) {
        answer = ask(next)
        answer.catch(() => {}) // keys are taken first
      }
      await take(keys)
      this.#cursor = next
      if (isLast) return
    }
  }
}

/** A server that does not answer is not waited for once nobody waits for its answer. */
async function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    answer.catch(() => {})
    throw abortError(signal)
  }
  let abort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(abortError(signal))
    signal.addEventListener('abort', abort, { once: true })
  })
  try {
    return await Promise.race([answer, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
