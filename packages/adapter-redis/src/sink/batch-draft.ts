import { DroverError, type JsonValue, type Outcome, type Page, type Row, ValueRefused } from '@drover/core'
import { keySlot } from '../connection/key-slot.js'
import { isOwnKey, ownMark } from '../state/own-keys.js'
import { CommandBuffer } from './command-buffer.js'
import { KeyBuffer } from './key-buffer.js'
import type { RecordWriter } from './record-writer.js'

/** What becomes of a record whose key is there already. */
export type ConflictKind = 'error' | 'skip' | 'update' | 'merge'

export interface DraftOptions {
  /** For messages: the sink, and where it writes. */
  readonly where: string
  readonly policy: ConflictKind
  /** @throws ValueRefused */
  readonly keyOf: (record: Row) => string | Uint8Array
  /** All keys are to lie in the slot of this one. */
  readonly hashTag: string | undefined
  readonly writer: RecordWriter
}

/** Refusals of one batch that are named at once. */
const mostRefusals = 1_000
/** The record is not written, because its time is over. */
const lapsed = -1
const startRows = 1024

/** One batch on its way to the server: its keys, each once, and the commands that make them. */
export class BatchDraft {
  readonly keys = new KeyBuffer()
  readonly commands = new CommandBuffer()
  /** Some key is no string: what is there in its place has to go first. */
  hasCollections = false
  /** Records whose time was over. */
  lapsed = 0
  readonly #slot: number | null
  #pages: Page<Row>[] = []
  #refusals: DroverError[] = []
  /** Of each row, the number of its key. */
  #numbers = new Int32Array(startRows)
  #rows = 0
  /** Distinct keys of all rows. */
  #distinct = 0
  #now = 0

  constructor(private readonly options: DraftOptions) {
    const { hashTag } = options
    this.#slot = hashTag === undefined ? null : keySlot(Buffer.from(hashTag))
  }

  clear(): void {
    this.keys.clear()
    this.commands.clear()
    this.hasCollections = false
    this.lapsed = 0
    this.#pages = []
    this.#refusals = []
    this.#rows = 0
    this.#distinct = 0
  }

  get distinct(): number {
    return this.#distinct
  }

  /** Adds the records of a page: those of a merge by their keys alone, as long as nobody knows which ones are there. */
  add(page: Page<Row>): void {
    if (this.#pages.length === 0) this.#now = Date.now()
    this.#pages.push(page)
    const isMerge = this.options.policy === 'merge'
    for (const row of page.rows()) this.#add(row, isMerge)
    this.#distinct = this.keys.count
  }

  /** Makes the commands again, now that it is known which of the keys are there: those are merged, or left alone. */
  redraft(isThere: (number: number) => boolean): void {
    const isMerge = this.options.policy === 'merge'
    const written = new Set<number>()
    let row = 0
    this.keys.clear()
    this.commands.clear()
    for (const page of this.#pages) {
      for (const record of page.rows()) {
        const number = this.#numbers[row] as number
        const isMet = written.has(number)
        if (number !== lapsed && (isMerge || !(isMet || isThere(number)))) {
          written.add(number)
          this.#refusing(row, () => this.#rewrite(record, isMet || isThere(number)))
        }
        row++
      }
    }
  }

  /** @throws `RECORD_REFUSED` if a record cannot be what it is to become */
  check(): void {
    const [first, ...others] = this.#refusals
    if (first !== undefined) throw withOthers(first, others)
  }

  /** @param there How many of the distinct keys were there before. */
  outcome(there: number): Outcome {
    const rows = this.#rows
    const inserted = this.#distinct - there
    const skipped = this.options.policy === 'skip' ? rows - inserted : this.lapsed
    return { inserted, updated: rows - inserted - skipped, skipped }
  }

  /** Records are refused because of their keys, which have these numbers. */
  refusal(numbers: readonly number[], why: string): DroverError {
    const refusals = numbers.slice(0, mostRefusals).map((number) => {
      const row = this.#numbers.indexOf(number)
      return new DroverError('RECORD_REFUSED', `${this.options.where}: key ${this.keys.nth(number)} ${why}`, { row })
    })
    const [first, ...others] = refusals
    if (first !== undefined) return withOthers(first, others)
    return new DroverError('CONTRACT_BROKEN', `${this.options.where}: the server refused keys that nobody gave it.`)
  }

  #add(record: Row, isKeyAlone: boolean): void {
    const row = this.#rows
    try {
      const { writer, keyOf } = this.options
      const expiry = writer.expiryOf(record)
      if (expiry !== null && expiry <= this.#now) {
        this.lapsed++
        this.#push(lapsed)
        return
      }
      const found = this.keys.add(this.#checked(keyOf(record)))
      if (found < 0) {
        const number = this.keys.count - 1
        this.#push(number)
        if (!isKeyAlone) this.#write(record, expiry, number, false)
      } else {
        this.#push(found)
        this.#meet(record, expiry, found, isKeyAlone)
      }
    } catch (error) {
      if (this.#rows === row) this.#push(lapsed)
      this.#refuse(row, error)
    }
  }

  /** A second record of one key: the same source record once more, or one that must not have it. */
  #meet(record: Row, expiry: number | null, number: number, isKeyAlone: boolean): void {
    const { policy } = this.options
    const [row, before] = [this.#rows - 1, this.#numbers.indexOf(number)]
    const [own, other] = [this.#sourceKeyOf(row), this.#sourceKeyOf(before)]
    if (own !== other) {
      throw new ValueRefused(
        `the records ${other} and ${own} would both be key ${this.keys.nth(number)}`,
        'Let key name all fields that tell records apart.',
      )
    }
    if (policy === 'error') {
      throw new ValueRefused(
        `key ${this.keys.nth(number)} is written twice in one batch`,
        "onConflict 'update' allows it.",
      )
    }
    if (policy === 'skip' || isKeyAlone) return
    this.commands.open('UNLINK')
    this.commands.key(number)
    this.#write(record, expiry, number, false)
  }

  #rewrite(record: Row, isThere: boolean): void {
    const { writer, keyOf } = this.options
    const found = this.keys.add(keyOf(record))
    this.#write(record, writer.expiryOf(record), found < 0 ? this.keys.count - 1 : found, isThere)
  }

  #write(record: Row, expiry: number | null, number: number, isThere: boolean): void {
    const isCollection = this.options.writer.write(record, expiry, number, this.commands, isThere)
    if (isCollection) this.hasCollections = true
  }

  #push(number: number): void {
    if (this.#rows === this.#numbers.length) {
      const larger = new Int32Array(this.#rows * 2)
      larger.set(this.#numbers)
      this.#numbers = larger
    }
    this.#numbers[this.#rows++] = number
  }

  /** @throws ValueRefused */
  #checked(key: string | Uint8Array): string | Uint8Array {
    const isText = typeof key === 'string'
    if (!isText && !(key instanceof Uint8Array)) {
      throw new ValueRefused(
        'a key that is neither text nor bytes',
        'Give key as a template, or as a function that returns one.',
      )
    }
    if (isText ? key.includes(ownMark) : isOwnKey(key)) {
      throw new ValueRefused(`a key with "${ownMark}"`, 'Keys of that name are kept for the state of Drover.')
    }
    if (this.#slot !== null && keySlot(isText ? Buffer.from(key) : key) !== this.#slot) {
      throw new ValueRefused(
        `key ${isText ? JSON.stringify(key) : 'of bytes'} without {${this.options.hashTag}}`,
        `With hashTag all keys lie in one slot: let each contain {${this.options.hashTag}}.`,
      )
    }
    return key
  }

  #refusing(row: number, work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#refuse(row, error)
    }
  }

  #refuse(row: number, error: unknown): void {
    if (!(error instanceof ValueRefused)) throw error
    if (this.#refusals.length >= mostRefusals) return
    const { path, what, remedy } = error
    const place = path === '' ? '' : ` (at ${path})`
    this.#refusals.push(
      new DroverError(
        'RECORD_REFUSED',
        `${this.options.where}: the record ${this.#sourceKeyOf(row)} is refused${place}: ${what}. ${remedy}`,
        { row, cause: error },
      ),
    )
  }

  #sourceKeyOf(row: number): string {
    let before = 0
    for (const page of this.#pages) {
      const keys = page.keys()
      const key = keys[row - before]
      if (key !== undefined) return shownKey(key.source, key.child)
      before += keys.length
    }
    return `number ${row}`
  }
}

function shownKey(source: readonly JsonValue[], child: number): string {
  const text = JSON.stringify(source)
  return `${text.length > 120 ? `${text.slice(0, 117)}…` : text}${child === 0 ? '' : `, its row ${child}`}`
}

function withOthers(first: DroverError, others: readonly DroverError[]): DroverError {
  if (others.length === 0) return first
  return new DroverError(first.code, first.message, {
    cause: first.cause,
    alsoRefused: others,
    ...(first.row === undefined ? {} : { row: first.row }),
  })
}
