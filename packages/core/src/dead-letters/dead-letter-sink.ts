import type { Page, RecordKey } from '../contracts/page.js'
import type { Claim, Position } from '../contracts/position.js'
import type { Field, RecordSchema } from '../contracts/schema.js'
import type { AckSession, ExactSession, Sink } from '../contracts/sink.js'
import type { Operation, Row } from '../contracts/values.js'
import { noCounts } from '../engine/counts.js'
import { type Retrying, retrying } from '../engine/retry.js'
import { DroverError } from '../errors/drover-error.js'
import { recordId } from '../identity/record-id.js'
import type { DeadLetter, DeadLetterStore, DeadLetterWriter } from './dead-letter.js'

/** Letters are written to the end even when the run is being stopped: the batch they belong to is. */
const patiently: Retrying = { maxRetries: 8, signal: new AbortController().signal }

/**
 * Sends dead letters to any sink, a row per letter with the fields of {@link deadLetterSchema}. A crash may send a letter
 * again: a sink with a key keeps one (`key: 'id', onConflict: 'skip'`), an idempotent one does anyway.
 */
export function deadLetterSink(sink: Sink<Row>): DeadLetterStore {
  return new SinkLetters(sink)
}

const text = { kind: 'text' } as const
const json = { kind: 'json' } as const
const field = (name: string, type: Field['type'], nullable = false): Field => ({ name, type, nullable })

/** What a letter looks like as a row: `record` is the source record, `row` what the sink refused, `raw` what could not be decoded. */
export const deadLetterSchema: RecordSchema = {
  key: ['id'],
  fields: [
    field('id', { kind: 'uuid' }),
    field('pipeline', text),
    field('run', text),
    field('partition', text),
    field('key', json, true),
    field('stage', text),
    field('code', text),
    field('message', text),
    field('version', text, true),
    field('record', json, true),
    field('row', json, true),
    field('raw', { kind: 'bytes' }, true),
  ],
}

type Session = ExactSession<Row> | AckSession<Row>

/** One session for all partitions: a sink may be one file. */
class SinkLetters implements DeadLetterStore {
  readonly place: string
  #session: Promise<Session> | undefined
  #writers = 0
  #last: Promise<unknown> = Promise.resolve()

  constructor(private readonly sink: Sink<Row>) {
    this.place = sink.name
  }

  async open(claim: Claim, patience: Retrying = patiently): Promise<DeadLetterWriter> {
    return retrying(() => this.#open(claim, patience), patience)
  }

  async #open(claim: Claim, patience: Retrying): Promise<DeadLetterWriter> {
    this.#writers++
    let isOpen = true
    const close = async (): Promise<void> => {
      if (!isOpen) return
      isOpen = false
      this.#writers--
      if (this.#writers === 0) await this.#end()
    }
    try {
      const append = await this.#appendTo(await this.#connected(), ownClaim(claim), patience)
      return { append: (letters) => this.#inTurn(() => append(letters)), close }
    } catch (error) {
      await close()
      throw error
    }
  }

  async finish(claims: readonly Claim[]): Promise<void> {
    if (claims.length === 0) return
    const session = await this.#connect()
    try {
      if (this.sink.guarantee === 'exactly-once') {
        for (const claim of claims) await (session as ExactSession<Row>).claim(ownClaim(claim), unhurried())
      }
      await session.finish?.('completed', unhurried())
    } finally {
      await session[Symbol.asyncDispose]()
    }
  }

  #appendTo(session: Session, own: Claim, patience: Retrying): Append | Promise<Append> {
    if (this.sink.guarantee === 'exactly-once') return exactly(session as ExactSession<Row>, own, patience)
    return acknowledged(session as AckSession<Row>, own, patience)
  }

  #connected(): Promise<Session> {
    if (this.#session !== undefined) return this.#session
    const session = this.#connect()
    this.#session = session
    session.catch(() => {
      if (this.#session === session) this.#session = undefined // whoever asked gets it; the next one tries again
    })
    return session
  }

  async #connect(): Promise<Session> {
    const session = await this.sink.connect(unhurried())
    try {
      this.#check(session)
      await session.prepare?.(deadLetterSchema, unhurried())
      return session
    } catch (error) {
      await session[Symbol.asyncDispose]()
      throw error
    }
  }

  #check(session: Session): void {
    const issues = session.check?.(deadLetterSchema) ?? []
    if (issues.length === 0) return
    const said = issues.map(({ field, loses }) => `${field}: ${loses}`).join('; ')
    throw new DroverError('FIDELITY_LOSS', `${this.place} cannot hold dead letters. ${said}. Name a folder instead.`)
  }

  /** Partitions take turns: the sink may allow one at a time. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => {}) // whoever called gets it
    return done
  }

  async #end(): Promise<void> {
    await this.#last
    const session = await this.#session?.catch(() => undefined) // open() rejected with it
    this.#session = undefined
    await session?.[Symbol.asyncDispose]()
  }
}

/** The letters of a run are a small run of their own, under the same fences. `start` makes a file go on where it ends. */
function ownClaim({ run, partition, fence }: Claim): Claim {
  return {
    run: recordId({ source: [run, 'dead letters'], child: 0 }),
    partition: { id: partition.id, bounds: null, start: 0 },
    fence,
  }
}

type Append = (letters: readonly DeadLetter[]) => Promise<void>

async function exactly(session: ExactSession<Row>, claim: Claim, patience: Retrying): Promise<Append> {
  const { partition } = claim
  let at = (await session.claim(claim, unhurried())) ?? first(claim)
  return async (letters) => {
    if (letters.length === 0) return
    const sequence = at.sequence + 1
    // There may always be more letters, and whenever the run ends these were all.
    const next: Position = { ...at, fence: claim.fence, sequence, done: true }
    let unsure = false
    await retrying(async () => {
      if (unsure) at = (await session.claim(claim, unhurried())) ?? first(claim)
      if (at.sequence === sequence) return
      unsure = true
      const batch = { partition, sequence, [Symbol.asyncIterator]: () => once(pageOf(letters)) }
      await session.write({ ...batch, commit: async () => next }, { ...unhurried(), mode: 'commit' })
    }, patience)
    at = next
  }
}

function acknowledged(session: AckSession<Row>, { partition }: Claim, patience: Retrying): Append {
  let sequence = 0
  return async (letters) => {
    if (letters.length === 0) return
    sequence++
    await retrying(async () => {
      const batch = { partition, sequence, [Symbol.asyncIterator]: () => once(pageOf(letters)) }
      await session.write(batch, unhurried())
    }, patience)
  }
}

function first(claim: Claim): Position {
  return { ...claim, sequence: 0, cursor: null, done: false, counts: noCounts }
}

function unhurried(): Operation {
  return { signal: new AbortController().signal }
}

async function* once<T>(value: T): AsyncGenerator<T> {
  yield value
}

function pageOf(letters: readonly DeadLetter[]): Page<Row> {
  const rows = letters.map(rowOf)
  const keys: RecordKey[] = letters.map(({ id }) => ({ source: [id], child: 0 }))
  return {
    count: letters.length,
    bytes: 0,
    cursor: null,
    rows: () => rows,
    keys: () => keys,
    slice: (from, to) => pageOf(letters.slice(from, to)),
  }
}

function rowOf({ id, pipeline, run, partition, key, stage, error, version, record, row, raw }: DeadLetter): Row {
  const { code, message } = error
  const optional = { version: version ?? null, record, row: row ?? null, raw: raw ?? null }
  return { id, pipeline, run, partition, key, stage, code, message, ...optional }
}
