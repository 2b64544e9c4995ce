import { DroverError } from '../errors/drover-error.js'
import { redactSecrets } from '../errors/redact.js'
import type { Rejection } from './held-page.js'

/** How many rejected records a run bears, over all of its partitions and attempts. */
export class RejectionLimit {
  /** Of batches that are about to be committed, by partition. */
  readonly #about = new Map<string, number>()

  constructor(
    private readonly name: string,
    private readonly most: number,
    /** How many were rejected in what is committed. */
    private readonly rejected: () => number,
  ) {}

  /** Throws if a partition may not reject `count` records; the rejections are asked for only then. @throws `RECORD_REJECTED` */
  bear(partition: string, count: number, rejections: () => readonly Rejection[]): void {
    if (count === 0) return
    let all = this.rejected() + count
    for (const [other, about] of this.#about) if (other !== partition) all += about
    if (all <= this.most) return
    const [first] = rejections()
    if (first !== undefined) throw this.#exceeded(first, all)
  }

  /** The same, and counts them, so that no two partitions use up the same rest. */
  reserve(partition: string, rejections: readonly Rejection[]): void {
    this.bear(partition, rejections.length, () => rejections)
    this.#about.set(partition, rejections.length)
  }

  /** A batch of the partition is committed: its rejections are among the committed ones now. */
  committed(partition: string): void {
    this.#about.delete(partition)
  }

  #exceeded({ key, stage, error }: Rejection, all: number): DroverError {
    const { code, message } = DroverError.from(error, 'it failed')
    const record = key === null ? 'a record without a readable key' : `the record with the key ${JSON.stringify(key)}`
    const bears =
      this.most === 0 ? 'maxRejected is 0' : `${all} records are rejected by now and maxRejected is ${this.most}`
    return new DroverError(
      'RECORD_REJECTED',
      `${this.name}: ${record} was rejected (${stage}, ${code}): ${asSentence(redactSecrets(message))} Nothing of its batch was committed; ${bears}. Mend the record or the step and call again, or raise maxRejected to send such records to the dead letters.`,
      { cause: error },
    )
  }
}

/** Functions of users throw what is no sentence. */
function asSentence(text: string): string {
  return /[.!?…]\s*$/.test(text) ? text : `${text}.`
}
