import type { RunState } from '../contracts/state-store.js'
import type { Operation } from '../contracts/values.js'
import type { DeadLetter } from '../dead-letters/dead-letter.js'
import type { LetterFile } from '../dead-letters/dead-letter-folder.js'
import { type FoundLetter, findLetters } from '../dead-letters/letter-index.js'
import { grouped } from '../report/text.js'
import type { ReplayOf } from './begin-replay.js'
import type { FrozenLetters } from './frozen-letters.js'

/** Goes through the letters that no replay has taken yet, and decides which ones this one takes. */
export class Gathering {
  /** Letters to send; of one record there may be several. */
  count = 0
  readonly #to: Record<string, number> = {}
  readonly #versions = new Map<string | undefined, number>()
  readonly #committed: ReadonlyMap<string, number>
  readonly #isFull: boolean
  #waiting = 0
  #overtaken = 0

  constructor(
    private readonly replay: ReplayOf,
    private readonly run: RunState,
    private readonly earlier: FrozenLetters,
  ) {
    this.#isFull = run.partitions.every(({ start }) => start === undefined)
    const committed = new Map<string, number>()
    for (const { partition, sequence } of [...(run.lastOutcome?.positions ?? []), ...run.positions])
      committed.set(partition.id, Math.max(sequence, committed.get(partition.id) ?? 0))
    this.#committed = committed
  }

  get frozen(): FrozenLetters {
    const { from, replayed, replays } = this.earlier
    return { from, to: this.#to, replayed, replays }
  }

  async addAll(files: readonly LetterFile[], operation: Operation): Promise<void> {
    const { from } = this.earlier
    const waits = new Set<string>()
    for await (const found of findLetters(files, ({ name }) => ({ from: from[name] ?? 0 }), operation)) {
      const { letter, file } = found
      if (letter.pipeline !== this.replay.name) continue
      // Of one file a replay takes what stands in front of a place: so what waits holds up what stands behind it.
      if (waits.has(file.name) || this.#mustWait(letter)) {
        waits.add(file.name)
        this.#waiting++
      } else if (this.#isOvertaken(letter)) this.#overtaken++
      else this.#take(found)
    }
  }

  /** Sentences about letters that are not sent. */
  *leftOut(): Generator<string, void, undefined> {
    const { name } = this.replay
    if (this.#waiting > 0)
      yield `${lettersOf(this.#waiting)} of batches that are not known to be committed, and ${verb(this.#waiting, 'waits', 'wait')} for a replay after the next call of ${name}.`
    if (this.#overtaken > 0)
      yield `${lettersOf(this.#overtaken)} of runs that a later full run of ${name} followed, which read all records again, and ${verb(this.#overtaken, 'is', 'are')} left out. deadLetterSource reads them all the same.`
  }

  /** A sentence, if there are any. */
  ofOtherVersions(): string | undefined {
    const { version } = this.replay
    const others = [...this.#versions].filter(([other]) => other !== version)
    if (others.length === 0) return undefined
    const listed = others.map(([other, count]) => `${lettersOf(count)} of ${named(other)}`).join(', ')
    return `${listed}; the pipeline is of ${named(version)} by now.`
  }

  #take({ letter, file, offset, bytes }: FoundLetter): void {
    this.count++
    this.#versions.set(letter.version, (this.#versions.get(letter.version) ?? 0) + 1)
    this.#to[file.name] = offset + bytes + 1
  }

  /** Its record may still be written by the run when it goes on. */
  #mustWait({ run, partition, sequence }: DeadLetter): boolean {
    if (run !== this.run.run || this.run.status === 'completed' || sequence === undefined) return false
    return sequence > (this.#committed.get(partition) ?? 0)
  }

  #isOvertaken({ run }: DeadLetter): boolean {
    return this.#isFull && (this.earlier.replays[run] ?? run) !== this.run.run
  }
}

function lettersOf(count: number): string {
  return count === 1 ? '1 dead letter is' : `${grouped(count)} dead letters are`
}

function verb(count: number, one: string, many: string): string {
  return count === 1 ? one : many
}

function named(version: string | undefined): string {
  return version === undefined ? 'no version' : `version ${JSON.stringify(version)}`
}
