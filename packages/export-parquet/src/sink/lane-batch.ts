import type { Hash } from 'node:crypto'
import { DroverError, joinRefusals, type Page, type PartFile } from '@drover/core'
import type { EncodedGroup } from '../encode/group-footer.js'
import { frameEnd, type GroupEntry, type JournalEntry, type PendingRows, sizeOf } from './journal.js'
import type { OpenBuilder, OpenBuilders } from './open-builders.js'
import { placesOf, pourAll, rowsOf } from './pour-all.js'
import { readPending } from './read-pending.js'

/** A row group is full at whichever comes first. */
export interface RowGroupLimits {
  readonly bytes: number
  readonly rows: number
}

/** What a batch needs of its lane. */
export interface LaneHelp {
  readonly output: string
  /** Holds the parts. */
  readonly folder: string
  readonly limits: RowGroupLimits
  readonly builders: OpenBuilders
  /** Committed rows of a folder that are in no row group. */
  readonly pendingOf: (folder: string) => readonly PendingRows[]
  readonly encode: (ipc: Uint8Array, signal: AbortSignal) => Promise<EncodedGroup>
  /** The parts, made when the first bytes are to be written. */
  readonly data: () => Promise<PartFile>
  readonly journal: () => Promise<PartFile>
  /** SHA-256 of the data part as far as it is committed, to go on with. */
  readonly hash: () => Hash
}

/** At the end of a batch a row group of new rows that is nearly full is written, not kept: what is kept goes to the disk twice. */
const nearlyFull = 0.75
/** Row groups on their way through the encoder. */
const mostEncoding = 2
/** Records that are refused are told together, so many at once. */
const mostRefused = 100

/** What a batch does to a folder. */
export interface FolderChange {
  /** All rows before these are in row groups. */
  isGrouped: boolean
  rows: PendingRows | undefined
}

/** The rows of one batch, on their way into row groups and into the journal. */
export class LaneBatch {
  readonly changes = new Map<string, FolderChange>()
  /** Of the data part, with what this batch adds to it. */
  hash: Hash | undefined
  /** Rows and bytes of builders as they were before this batch. */
  readonly #before = new Map<string, { readonly rows: number; readonly bytes: number }>()
  /** Folders whose builders do not hold any more what they held before. */
  readonly #cleared = new Set<string>()
  readonly #entries: (JournalEntry | Promise<GroupEntry>)[] = []
  readonly #encoding: Promise<GroupEntry>[] = []
  readonly #refused: DroverError[] = []
  #data: PartFile | undefined
  #journal: PartFile | undefined
  /** Where its streams begin in the journal, and their length. */
  #frame = 0
  #payload = 0
  #rows = 0

  constructor(
    private readonly help: LaneHelp,
    private readonly signal: AbortSignal,
  ) {}

  get rows(): number {
    return this.#rows
  }

  /** Notes a refusal: the batch goes on, so as to find the others too, and fails at its end. `row` is the record's place in it. */
  refuse(row: number, error: DroverError): void {
    this.#refused.push(new DroverError('RECORD_REFUSED', error.message, { cause: error, row }))
    if (this.#refused.length >= mostRefused) this.throwRefused()
  }

  /** @throws `RECORD_REFUSED`: the first one, with the others */
  throwRefused(): void {
    const refusal = joinRefusals(this.#refused)
    if (refusal !== undefined) throw refusal
  }

  /**
   * Adds records of a page to a folder; `first` is the place of the page's first row in the batch.
   *
   * @returns how many row groups were full, and sent on their way
   */
  async add(folder: string, page: Page, first: number, which?: readonly number[]): Promise<number> {
    const open = this.#open(folder)
    const { builder } = open
    const count = which?.length ?? rowsOf(page)
    let groups = 0
    for (let from = 0; from < count; ) {
      const end = Math.min(count, from + this.#roomOf(folder, open))
      const part = from === 0 && end === count ? which : placesOf(which, from, end)
      const before = builder.rows
      pourAll(builder, page, part, (row, error) => this.refuse(first + row, error))
      this.#rows += builder.rows - before
      from = end
      if (this.#refused.length > 0 || !this.#isFull(folder, open, 1)) continue
      await this.#group(folder, open)
      groups++
    }
    return groups
  }

  /** There are no more rows for that folder in this batch: those in no row group go to the journal. */
  async close(folder: string): Promise<void> {
    const open = this.help.builders.find(folder)
    if (open === undefined || this.#refused.length > 0) return
    const { builder, journaled, journaledBytes } = open
    if (builder.rows === journaled) return
    const isMostlyNew = (builder.rows - journaled) * 2 >= sizeOf(this.#pendingOf(folder)).rows
    if (isMostlyNew && this.#isFull(folder, open, nearlyFull)) return this.#group(folder, open)
    const ipc = builder.toIpc(journaled)
    const entry = { folder, rows: builder.rows - journaled, bytes: builder.bytes - journaledBytes, length: ipc.length }
    const journal = await this.#openJournal()
    this.#changeOf(folder).rows = { ...entry, part: journal.name, at: this.#frame + this.#payload }
    this.#payload += ipc.length
    this.#entries.push(entry)
    open.journaled = builder.rows
    open.journaledBytes = builder.bytes
    await journal.write(ipc)
  }

  /** Waits until all of it is on the disk. The parts that were written to. */
  async settle(): Promise<readonly PartFile[]> {
    const entries = await Promise.all(this.#entries)
    if (entries.length === 0) return []
    const journal = await this.#openJournal()
    await journal.write(frameEnd(entries, this.#payload))
    const written = this.#data === undefined ? [journal] : [this.#data, journal]
    await Promise.all(written.map((part) => part.settle()))
    return written
  }

  /** As if it had never been; waits until nothing of it is under way. */
  async undo(): Promise<void> {
    await Promise.allSettled(this.#entries)
    // What cannot be cut off now is written over by the next batch.
    for (const part of [this.#data, this.#journal]) await part?.forget().catch(() => {})
    const { builders } = this.help
    for (const [folder, { rows, bytes }] of this.#before) {
      const open = builders.find(folder)
      if (open === undefined) continue
      if (this.#cleared.has(folder)) {
        builders.letGo(folder)
        continue
      }
      open.builder.truncate(rows)
      open.journaled = rows
      open.journaledBytes = bytes
    }
  }

  #open(folder: string): OpenBuilder {
    const open = this.help.builders.open(folder)
    if (!this.#before.has(folder)) this.#before.set(folder, { rows: open.journaled, bytes: open.journaledBytes })
    return open
  }

  #changeOf(folder: string): FolderChange {
    let change = this.changes.get(folder)
    if (change === undefined) {
      change = { isGrouped: false, rows: undefined }
      this.changes.set(folder, change)
    }
    return change
  }

  /** Rows of a folder that were committed before, and are in no row group. */
  #pendingOf(folder: string): readonly PendingRows[] {
    return this.changes.get(folder)?.isGrouped === true ? [] : this.help.pendingOf(folder)
  }

  /** Rows that the row group of a folder has room for. */
  #roomOf(folder: string, { builder, journaled }: OpenBuilder): number {
    const { rows } = sizeOf(this.#pendingOf(folder))
    return Math.max(1, this.help.limits.rows - rows - builder.rows + journaled)
  }

  #isFull(folder: string, { builder, journaled, journaledBytes }: OpenBuilder, share: number): boolean {
    const { limits } = this.help
    const pending = sizeOf(this.#pendingOf(folder))
    return (
      pending.rows + builder.rows - journaled >= limits.rows * share ||
      pending.bytes + builder.bytes - journaledBytes >= limits.bytes * share
    )
  }

  /** Makes a row group of all rows of a folder. Its builder is free at once. */
  async #group(folder: string, open: OpenBuilder): Promise<void> {
    const { builder } = open
    const pending = this.#pendingOf(folder)
    this.#cleared.add(folder)
    if (sizeOf(pending).rows > open.journaled) {
      // Some of them were let go of.
      const fresh = builder.rows > open.journaled ? builder.toIpc(open.journaled) : undefined
      builder.clear()
      await readPending(this.help, pending, builder)
      if (fresh !== undefined) builder.appendIpc(fresh)
    }
    const ipc = builder.toIpc()
    builder.clear()
    open.journaled = open.journaledBytes = 0
    const change = this.#changeOf(folder)
    change.isGrouped = true
    change.rows = undefined
    this.#send(folder, ipc, await this.#openData())
    await this.#encoding.at(-mostEncoding)
  }

  #send(folder: string, ipc: Uint8Array, data: PartFile): void {
    const before = this.#encoding.at(-1)
    const encoded = this.help.encode(ipc, this.signal)
    const written = async (): Promise<GroupEntry> => {
      const [{ chunks, footer }] = await Promise.all([encoded, before])
      // Nothing of it is under way: its length is where this one begins.
      await data.flush()
      const at = data.end
      await data.write(chunks)
      this.hash?.update(chunks)
      await data.flush()
      return { folder, data: data.name, at, footer }
    }
    const entry = written()
    entry.catch(() => {}) // `settle` waits for it, and tells
    this.#encoding.push(entry)
    this.#entries.push(entry)
  }

  async #openData(): Promise<PartFile> {
    if (this.#data === undefined) {
      this.#data = await this.help.data()
      this.hash = this.help.hash()
    }
    return this.#data
  }

  async #openJournal(): Promise<PartFile> {
    if (this.#journal === undefined) {
      this.#journal = await this.help.journal()
      this.#frame = this.#journal.end
    }
    return this.#journal
  }
}
