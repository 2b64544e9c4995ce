import {
  type Claim,
  type CommitBatch,
  DroverError,
  type ExactSession,
  type Operation,
  type Position,
  type RecordSchema,
  type Row,
} from '@drover/core'
import type { Reply } from '../connection/raw-command.js'
import type { RedisConnection } from '../connection/redis-connection.js'
import { redisError } from '../errors/redis-error.js'
import { checkStanding, claimPosition, commitArguments, refusal, standingCommand, textOf } from '../state/positions.js'
import { positionKey, type StatePlace } from '../state/state-place.js'
import { BatchDraft } from './batch-draft.js'
import { batchScript, typesScript } from './batch-script.js'
import { isNoHash } from './cluster-writer.js'
import type { Evictions } from './evictions.js'
import { samplesOf } from './script-parts.js'
import type { SinkTarget } from './sink-target.js'
import { TargetServer } from './target-server.js'
import { TargetSession } from './target-session.js'

type Mode = Operation & { readonly mode: 'commit' | 'probe' }

/** What was found of the keys of a batch, before its script. */
interface Found {
  /** How many of them are there. */
  readonly there: number
  /** How many of those that the script is to write are. */
  readonly expected: number
  /** Of a merge, the first letter of the type of each; else ''. */
  readonly types: string
}

/**
 * Writes batches exactly once: one script looks whether position and keys are as expected, makes the keys and stores the position. What is
 * there before, and so the outcome, is looked at in front of the script, which changes nothing if it is not so any more.
 */
export class ExactWriter extends TargetSession implements ExactSession<Row> {
  readonly #claims = new Map<string, Claim>()
  readonly #server: TargetServer
  /** Those that no batch uses now. */
  readonly #drafts: BatchDraft[] = []

  constructor(
    connection: RedisConnection,
    private readonly place: StatePlace,
    target: SinkTarget,
    evictions: Evictions,
  ) {
    super(connection, target, evictions)
    this.#server = new TargetServer(connection, positionKey(place, ''))
  }

  override async prepare(schema: RecordSchema): Promise<void> {
    await super.prepare(schema)
    // Made for records that nothing was known of.
    this.#drafts.length = 0
  }

  async claim(claim: Claim): Promise<Position | null> {
    const position = await claimPosition(this.connection, this.place, claim)
    this.#claims.set(claim.partition.id, claim)
    return position
  }

  async write(batch: CommitBatch<Row>, { mode, signal }: Mode): Promise<void> {
    const claim = this.#claimOf(batch)
    const draft = this.#drafts.pop() ?? new BatchDraft(this.target.drafting())
    const found = await this.#draft(batch, draft, { mode, signal })
    if (mode === 'probe') await this.#probe(batch, draft, claim, found)
    else await this.#commit(batch, draft, claim, found, { signal })
    this.lapsed += mode === 'probe' ? 0 : draft.lapsed
    // What failed may still be on its way to the server.
    draft.clear()
    this.#drafts.push(draft)
  }

  /** Pulls the batch and looks which of its keys are there. Where none may be, the script looks itself. */
  async #draft(batch: CommitBatch<Row>, draft: BatchDraft, { mode, signal }: Mode): Promise<Found> {
    const { policy } = this.target
    const counts: Promise<number>[] = []
    const looks = policy === 'skip' || policy === 'update' || (policy === 'error' && mode === 'probe')
    let [count, at] = [0, 0]
    for await (const page of batch) {
      signal.throwIfAborted()
      draft.add(page)
      const { keys } = draft
      if (!looks || keys.count === count) continue
      // The server looks while the next page is made.
      const answer = this.#server.countExisting(`looking for keys in ${this.target.where}`, {
        count: keys.count - count,
        bytes: keys.bytes.subarray(at, keys.at),
      })
      answer.catch(() => {}) // thrown below
      counts.push(answer)
      ;[count, at] = [keys.count, keys.at]
    }
    signal.throwIfAborted()
    draft.check()
    const there = (await Promise.all(counts)).reduce((sum, one) => sum + one, 0)
    if (policy === 'merge') return this.#redraftMerge(draft)
    if (policy !== 'skip' || there === 0) return { there, expected: there, types: '' }
    const isThere = there === draft.distinct ? () => true : await this.#lookFor(draft)
    draft.redraft(isThere)
    draft.check()
    return { there: draft.distinct - draft.keys.count, expected: 0, types: '' }
  }

  /** Which of the keys are there, by number. */
  async #lookFor(draft: BatchDraft): Promise<(number: number) => boolean> {
    const types = await this.#typesOf(draft)
    return (number) => types[number] !== 'n'
  }

  async #redraftMerge(draft: BatchDraft): Promise<Found> {
    const types = await this.#typesOf(draft)
    const others = [...types].flatMap((type, number) => (type === 'h' || type === 'n' ? [] : [number]))
    if (others.length > 0) {
      throw draft.refusal(others, isNoHash)
    }
    draft.redraft((number) => types[number] === 'h')
    draft.check()
    const there = [...types].filter((type) => type === 'h').length
    return { there, expected: there, types }
  }

  async #typesOf({ keys }: BatchDraft): Promise<string> {
    const doing = `looking which keys are in ${this.target.where}`
    return textOf(await this.#server.run(doing, typesScript, [keys.encoded], [])) ?? ''
  }

  /** Leaves nothing, and says what a commit would. */
  async #probe(batch: CommitBatch<Row>, draft: BatchDraft, claim: Claim, { there }: Found): Promise<void> {
    if (this.target.policy !== 'error' || there === 0) return
    const doing = `looking where partition "${claim.partition.id}" stands`
    const standing = await this.#server.call(doing, standingCommand(this.place, claim))
    // Who was overtaken is told so, not that the keys are there which the heir has written.
    checkStanding(standing, this.place, claim, batch.sequence)
    const types = await this.#typesOf(draft)
    const numbers = [...types].flatMap((type, number) => (type === 'n' ? [] : [number]))
    if (numbers.length > 0) throw draft.refusal(numbers, thereAlready(batch.sequence))
  }

  async #commit(
    batch: CommitBatch<Row>,
    draft: BatchDraft,
    claim: Claim,
    found: Found,
    operation: Operation,
  ): Promise<void> {
    const { policy, where } = this.target
    const unlinks = policy === 'update' && draft.hasCollections && found.there > 0
    const key = positionKey(this.place, claim.run)
    const { names } = draft.commands
    const others = ['HSET', ...(unlinks ? ['UNLINK'] : []), ...(names.has('MSET') ? ['MSETNX'] : [])]
    const used = new Set([...names, ...others])
    await this.rights.check(used, key, operation)
    const commit = await batch.commit(draft.outcome(found.there))
    const [partition, fence, sequence, position] = commitArguments(commit)
    const { parts, large } = draft.commands.end()
    const reply = await this.#server.run(
      `writing batch ${commit.sequence} of partition "${commit.partition.id}" to ${where}`,
      batchScript,
      [key, draft.keys.encoded],
      [
        ...[partition, fence, sequence, position].map(String),
        String(found.expected),
        found.types,
        unlinks ? '1' : '',
        samplesOf(used),
        String(parts.length),
        ...parts,
        ...large,
      ],
    )
    if (textOf(reply) === 'written') return
    throw this.#refusal(reply, draft, commit)
  }

  #refusal(reply: Reply, draft: BatchDraft, commit: Position): DroverError {
    const refused = refusal(reply, this.place, commit, commit.sequence)
    if (refused !== undefined) return refused
    const [what, ...numbers] = Array.isArray(reply) ? reply : []
    if (textOf(what) === 'denied') {
      return new DroverError(
        'STORE_DENIED',
        `${this.target.where}: the user may not run ${textOf(numbers[0])} any more. Nothing of batch ${commit.sequence} was written. Grant it with ACL SETUSER.`,
      )
    }
    if (textOf(what) === 'failed') {
      const [said, isUndone] = numbers
      const left = isUndone === 1 ? 'Nothing of it is left.' : 'A part of its keys is written, others may be gone.'
      const cause = Object.assign(new Error(textOf(said)), { name: 'ReplyError' })
      return redisError(cause, `writing batch ${commit.sequence} to ${this.target.where}`, { hint: left })
    }
    if (textOf(what) === 'exist' && this.target.policy === 'error') {
      return draft.refusal(numbers.map(Number), thereAlready(commit.sequence))
    }
    return new DroverError(
      'STORE_BUSY',
      `${this.target.where}: somebody wrote or deleted keys of batch ${commit.sequence} while it was written. Nothing of it was written; it is tried again.`,
      { isRetryable: true },
    )
  }

  #claimOf({ partition }: CommitBatch<Row>): Claim {
    const claim = this.#claims.get(partition.id)
    if (claim !== undefined) return claim
    throw new DroverError(
      'CONTRACT_BROKEN',
      `${this.target.where}: partition "${partition.id}" is written to without having been claimed.`,
    )
  }
}

/** Where nothing of a partition was committed, as far as the store knows, what is there may be the run's own, and its position gone. */
function thereAlready(sequence: number): string {
  const remedy = "onConflict: 'skip' leaves it alone, 'update' replaces it."
  if (sequence > 1) return `is there already. ${remedy}`
  return `is there already, and the store has no position of this run for the partition. Either the key was there before the run, or the run wrote it and its position was deleted since (DEL of *drover:v1:*, eviction). ${remedy}`
}
