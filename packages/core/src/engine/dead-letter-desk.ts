import type { Claim } from '../contracts/position.js'
import type { Row } from '../contracts/values.js'
import type { DeadLetter, DeadLetterStore, DeadLetterWriter } from '../dead-letters/dead-letter.js'
import { DroverError } from '../errors/drover-error.js'
import { redactSecrets } from '../errors/redact.js'
import { recordId } from '../identity/record-id.js'
import { type AlsoFailed, closeAll } from './closing.js'
import type { Rejection } from './held-page.js'
import type { Retrying } from './retry.js'

/** Turns the rejections of a run into dead letters, a writer per partition; nothing is created before the first one. */
export class DeadLetterDesk {
  readonly #writers = new Map<string, Promise<DeadLetterWriter>>()
  #isUsed = false

  constructor(
    private readonly store: DeadLetterStore,
    private readonly options: {
      readonly name: string
      readonly version: string | undefined
      /** Whether partitions are parts of their own. */
      readonly hasParts: boolean
      readonly redact: ((record: Row) => Row) | undefined
      readonly retrying: Retrying
    },
  ) {}

  /** Where they went, if there are any. */
  get used(): string | undefined {
    return this.#isUsed ? this.store.place : undefined
  }

  /** Work on a partition begins behind its batch of that number. */
  async resume(claim: Claim, sequence: number): Promise<void> {
    await this.store.resume?.(claim, sequence)
  }

  /** Resolves once they are durable. */
  async take(claim: Claim, sequence: number, rejections: readonly Rejection[]): Promise<void> {
    const letters = rejections.map((rejection) => this.#letter(claim, sequence, rejection))
    await (await this.#writer(claim)).append(letters)
  }

  async close(alsoFailed: AlsoFailed): Promise<void> {
    const writers = [...this.#writers.values()]
    this.#writers.clear()
    await closeAll(
      writers.map((writer) => async () => (await writer).close()),
      alsoFailed,
    )
  }

  #writer(claim: Claim): Promise<DeadLetterWriter> {
    const { id } = claim.partition
    const known = this.#writers.get(id)
    if (known !== undefined) return known
    this.#isUsed = true
    const writer = this.store.open(claim, this.options.retrying)
    this.#writers.set(id, writer)
    writer.catch(() => this.#writers.delete(id)) // whoever asked gets it; the next one tries again
    return writer
  }

  #letter(claim: Claim, sequence: number, rejection: Rejection): DeadLetter {
    const { name, version, hasParts, redact } = this.options
    const { code, message } = DroverError.from(rejection.error, 'it failed')
    const own = (record: Row): Row => (redact === undefined ? record : redact(record))
    const key = rejection.key ?? ['without a key', rejection.place ?? null]
    return {
      id: recordId({ source: [claim.run, claim.partition.id, ...key], child: 0 }),
      pipeline: name,
      run: claim.run,
      partition: claim.partition.id,
      key: rejection.key,
      ...(hasParts ? { isPart: true as const } : {}),
      record: rejection.record === null ? null : own(rejection.record),
      ...(rejection.row === undefined ? {} : { row: own(rejection.row) }),
      ...(rejection.raw === undefined || redact !== undefined ? {} : { raw: rejection.raw }),
      stage: rejection.stage,
      error: { code, message: redactSecrets(message) },
      sequence,
      ...(version === undefined ? {} : { version }),
    }
  }
}
