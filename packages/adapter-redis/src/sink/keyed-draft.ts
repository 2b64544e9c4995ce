import { DroverError, type JsonValue, joinRefusals, type Page, type Row, ValueRefused } from '@drover/core'
import { keySlot } from '../connection/key-slot.js'
import { isOwnKey, ownMark } from '../state/own-keys.js'
import { KeyBuffer } from './key-buffer.js'
import type { RecordWriter } from './record-writer.js'

/** What becomes of a record whose key is there already. */
export type ConflictKind = 'error' | 'skip' | 'update' | 'merge'

export interface DraftOptions {
  /** For messages: where the sink writes. */
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
/** In place of a key's number: the record is not written, because its time is over. */
const none = -1
const startRows = 1024

/** The records of one batch and their keys, and which of them cannot be written. */
export abstract class KeyedDraft {
  readonly keys = new KeyBuffer()
  /** Records whose time was over. */
  lapsed = 0
  protected rows = 0
  readonly #slot: number | null
  #pages: Page<Row>[] = []
  #refusals: DroverError[] = []
  /** Of each row, the number of its key. */
  #numbers = new Int32Array(startRows)
  #now = 0

  constructor(protected readonly options: DraftOptions) {
    const { hashTag } = options
    this.#slot = hashTag === undefined ? null : keySlot(Buffer.from(hashTag))
  }

  clear(): void {
    this.keys.clear()
    this.lapsed = 0
    this.rows = 0
    this.#pages = []
    this.#refusals = []
  }

  /** Adds the records of a page. */
  add(page: Page<Row>): void {
    if (this.#pages.length === 0) this.#now = Date.now()
    this.#pages.push(page)
    for (const record of page.rows()) this.#add(record)
  }

  /** @throws `RECORD_REFUSED` if a record cannot be what it is to become */
  check(): void {
    const refusal = joinRefusals(this.#refusals)
    if (refusal !== undefined) throw refusal
  }

  /** Records are refused because of their keys, which have these numbers. */
  refusal(numbers: readonly number[], why: string): DroverError {
    const named = numbers.map((number) => [this.#numbers.indexOf(number), number] as const)
    return this.refusalOf(named, why)
  }

  /** The same for who knows the rows: all that have a key may be meant, or one of them. */
  refusalOf(named: readonly (readonly [row: number, key: number])[], why: string): DroverError {
    const refusals = named.slice(0, mostRefusals).map(([row, number]) => {
      const message = `${this.options.where}: key ${this.keys.nth(number)} ${why}`
      return new DroverError('RECORD_REFUSED', message, { row })
    })
    return (
      joinRefusals(refusals) ??
      new DroverError('CONTRACT_BROKEN', `${this.options.where}: the server refused keys that nobody gave it.`)
    )
  }

  /**
   * A record that is written, and how: the first one of its key, or another time the same source record, which is not refused for that.
   *
   * @throws ValueRefused
   */
  protected abstract take(record: Row, expiry: number | null, number: number, isFirst: boolean): void

  /** Goes through all records again that have a key. `work` may throw ValueRefused. */
  protected retake(work: (record: Row, number: number) => void): void {
    let row = 0
    for (const page of this.#pages) {
      for (const record of page.rows()) {
        const number = this.#numbers[row] as number
        try {
          if (number !== none) work(record, number)
        } catch (error) {
          this.#refuse(row, error)
        }
        row++
      }
    }
  }

  #add(record: Row): void {
    const row = this.rows
    try {
      const { writer, keyOf, policy } = this.options
      const expiry = writer.expiryOf(record)
      if (expiry !== null && expiry <= this.#now) {
        this.lapsed++
        this.#push(none)
        return
      }
      const found = this.keys.add(this.#checked(keyOf(record)))
      const number = found < 0 ? this.keys.count - 1 : found
      this.#push(number)
      if (found >= 0) this.#checkSame(row, number, policy)
      this.take(record, expiry, number, found < 0)
    } catch (error) {
      if (this.rows === row) this.#push(none)
      this.#refuse(row, error)
    }
  }

  /** Two records of one key: the same source record once more, or one that must not have it. */
  #checkSame(row: number, number: number, policy: ConflictKind): void {
    const [own, other] = [this.#sourceKeyOf(row), this.#sourceKeyOf(this.#numbers.indexOf(number))]
    if (own !== other) {
      throw new ValueRefused(
        `the records ${other} and ${own} would both be key ${this.keys.nth(number)}`,
        'Let key name all fields that tell records apart.',
      )
    }
    if (policy !== 'error') return
    throw new ValueRefused(
      `key ${this.keys.nth(number)} is written twice in one batch`,
      "onConflict: 'update' lets the last one stay.",
    )
  }

  /** @throws ValueRefused */
  #checked(key: string | Uint8Array): string | Uint8Array {
    const isText = typeof key === 'string'
    if (!isText && !(key instanceof Uint8Array)) {
      throw new ValueRefused(
        'a key that is neither text nor bytes',
        'Give key as a template, or as a function that returns one of them.',
      )
    }
    if (isText ? key.includes(ownMark) : isOwnKey(key)) {
      throw new ValueRefused(`a key with "${ownMark}"`, "Such names are kept for Drover's own state.")
    }
    if (this.#slot !== null && keySlot(isText ? Buffer.from(key) : key) !== this.#slot) {
      const tag = `{${this.options.hashTag}}`
      throw new ValueRefused(
        `key ${isText ? JSON.stringify(key) : 'of bytes'} without ${tag}`,
        `With hashTag all keys lie in one slot: let each contain ${tag}.`,
      )
    }
    return key
  }

  #push(number: number): void {
    if (this.rows === this.#numbers.length) {
      const larger = new Int32Array(this.rows * 2)
      larger.set(this.#numbers)
      this.#numbers = larger
    }
    this.#numbers[this.rows++] = number
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
