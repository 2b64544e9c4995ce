import { createHash, type Hash } from 'node:crypto'
import {
  abortError,
  type Commit,
  type CommitBatch,
  DroverError,
  fenced,
  type Page,
  type Part,
  type PartFile,
  type PartitionStage,
  systemCode,
} from '@drover/core'
import type { RowGroupBuilder } from '../columns/row-group-builder.js'
import { fileHeader } from '../encode/file-footer.js'
import type { EncodedGroup } from '../encode/group-footer.js'
import { asJson, detailsOf, type OutputPlan } from './details.js'
import type { FolderRouter } from './folder-router.js'
import { type PendingRows, readJournals } from './journal.js'
import { LaneBatch, type LaneHelp, type RowGroupLimits } from './lane-batch.js'
import { OpenBuilders, SpareBuilders } from './open-builders.js'
import { rowsOf } from './pour-all.js'

export interface LaneOptions {
  /** As the user named it. */
  readonly output: string
  readonly limits: RowGroupLimits
  readonly openFolders: number
  readonly plan: OutputPlan
  /** Null without `partitionBy`. */
  readonly router: FolderRouter | null
  readonly createBuilder: () => RowGroupBuilder
  readonly encode: (ipc: Uint8Array, signal: AbortSignal) => Promise<EncodedGroup>
  /** What all lanes of the session may keep, shared among them. */
  readonly shareOfBytes: () => number
}

/** The kinds of a lane's parts. */
export const dataKind = 'data'
export const journalKind = 'journal'

/** One partition of the engine: its row groups in one part, and its rows that are in none in another. */
export class Lane {
  readonly #spare: SpareBuilders
  #builders: OpenBuilders
  /** Rows that are committed and in no row group, by folder; unknown until the journals are read. */
  #pending: Map<string, readonly PendingRows[]> | undefined
  #held = 0
  /** SHA-256 of the committed bytes of the data part that this session writes. */
  #hash: Hash | undefined

  constructor(
    private readonly stage: PartitionStage,
    private readonly options: LaneOptions,
  ) {
    this.#spare = new SpareBuilders(options.createBuilder)
    this.#builders = new OpenBuilders(this.#spare, options.openFolders)
  }

  /** Bytes of committed rows that it keeps in memory. */
  get heldBytes(): number {
    return this.#held
  }

  /** SHA-256 of the committed bytes of the data part of this session. */
  get hash(): Hash | undefined {
    return this.#hash?.copy()
  }

  /** It was claimed anew: only what stands on the disk counts. */
  forget(): void {
    this.#pending = undefined
    this.#builders.shrinkTo(-1)
    this.#held = 0
  }

  async commit(batch: CommitBatch<object>, signal: AbortSignal): Promise<void> {
    try {
      await this.#commit(batch, signal)
    } catch (error) {
      // Whoever took over may be why a part is missing.
      const isMissing = DroverError.isInstance(error, 'STATE_INVALID') || systemCode(error) === 'ENOENT'
      if (isMissing && !(await this.stage.isCurrent())) throw fenced(this.options.output, this.stage.id)
      throw error
    }
  }

  async #commit(batch: CommitBatch<object>, signal: AbortSignal): Promise<void> {
    const { stage } = this
    const pending = await this.#load()
    const work = new LaneBatch(this.#help(pending), signal)
    const fresh = new Set<string>()
    let position: Commit
    let written: readonly PartFile[]
    try {
      await this.#take(batch, work, fresh, signal)
      work.throwRefused()
      written = await work.settle()
      position = await batch.commit({ inserted: work.rows, updated: 0, skipped: 0 })
    } catch (error) {
      await work.undo()
      this.options.router?.forget(fresh)
      throw error
    }
    const details = { ...detailsOf(stage.manifest), output: this.options.plan }
    await stage.commit(position, withParts(stage.manifest.parts, written, stage), undefined, asJson(details))
    for (const part of written) part.keep()
    this.#hash = work.hash ?? this.#hash
    this.#apply(pending, work)
  }

  /** Finds out whether the records would be refused, and leaves nothing. */
  async probe(batch: CommitBatch<object>, signal: AbortSignal): Promise<void> {
    const builder = this.#spare.take()
    const fresh = new Set<string>()
    let first = 0
    try {
      for await (const page of batch as CommitBatch<object> & AsyncIterable<Page>) {
        if (signal.aborted) throw abortError(signal)
        this.options.router?.route(page, fresh, (row, error) => {
          throw refusedAt(first + row, error)
        })
        try {
          builder.pour(page)
        } catch (error) {
          if (!DroverError.isInstance(error, 'RECORD_REFUSED')) throw error
          throw refusedAt(first + (error.row ?? 0), error)
        }
        builder.clear()
        first += rowsOf(page)
      }
    } finally {
      this.options.router?.forget(fresh)
      this.#spare.giveBack(builder)
    }
  }

  async #load(): Promise<Map<string, readonly PendingRows[]>> {
    if (this.#pending !== undefined) return this.#pending
    const { pending, folders } = await readJournals(this.stage.folder, this.stage.manifest.parts, this.options.output)
    this.options.router?.know(folders)
    this.#pending = new Map(pending)
    return this.#pending
  }

  #help(pending: ReadonlyMap<string, readonly PendingRows[]>): LaneHelp {
    const { output, limits, encode } = this.options
    const { stage } = this
    return {
      output,
      limits,
      encode,
      folder: stage.folder,
      builders: this.#builders,
      pendingOf: (folder) => pending.get(folder) ?? [],
      journal: () => stage.openPart(journalKind),
      data: async () => {
        const part = await stage.openPart(dataKind)
        // It may become the output: then it has to begin like one.
        if (part.end === 0) {
          await part.open(fileHeader)
          this.#hash = createHash('sha256').update(fileHeader)
        }
        return part
      },
      hash: () => (this.#hash as Hash).copy(),
    }
  }

  /** Takes the pages, up to the first row group that is full. */
  async #take(batch: CommitBatch<object>, work: LaneBatch, fresh: Set<string>, signal: AbortSignal): Promise<void> {
    const { router } = this.options
    const pages = batch as AsyncIterable<Page>
    if (router !== null) return this.#gather(pages, router, work, fresh, signal)
    let first = 0
    for await (const page of pages) {
      if (signal.aborted) throw abortError(signal)
      // It ends with a full one, so that no rows are left for the journal.
      if ((await work.add('', page, first)) > 0) break
      first += rowsOf(page)
    }
    await work.close('')
  }

  /** Takes the pages first, and then one folder after the other: so many builders need not be open as there are folders. */
  async #gather(
    batch: AsyncIterable<Page>,
    router: FolderRouter,
    work: LaneBatch,
    fresh: Set<string>,
    signal: AbortSignal,
  ): Promise<void> {
    const { limits } = this.options
    const byFolder = new Map<string, Routed[]>()
    let first = 0
    let bytes = 0
    for await (const page of batch) {
      if (signal.aborted) throw abortError(signal)
      const base = first
      for (const [folder, which] of router.route(page, fresh, (row, error) => work.refuse(base + row, error))) {
        const routed = byFolder.get(folder)
        if (routed === undefined) byFolder.set(folder, [{ page, first, which }])
        else routed.push({ page, first, which })
      }
      first += rowsOf(page)
      bytes += page.bytes
      if (bytes >= limits.bytes) break
    }
    for (const [folder, routed] of byFolder) {
      if (signal.aborted) throw abortError(signal)
      for (const { page, first, which } of routed) await work.add(folder, page, first, which)
      await work.close(folder)
    }
  }

  #apply(pending: Map<string, readonly PendingRows[]>, work: LaneBatch): void {
    for (const [folder, { isGrouped, rows }] of work.changes) {
      const before = isGrouped ? [] : (pending.get(folder) ?? [])
      const after = rows === undefined ? before : [...before, rows]
      if (after.length === 0) pending.delete(folder)
      else pending.set(folder, after)
    }
    this.#builders.shrinkTo(this.options.shareOfBytes())
    this.#held = this.#builders.bytes
  }
}

interface Routed {
  readonly page: Page
  /** Place of its first row in the batch. */
  readonly first: number
  readonly which: readonly number[]
}

function refusedAt(row: number, error: DroverError): DroverError {
  return new DroverError('RECORD_REFUSED', error.message, { cause: error, row })
}

/** The parts as they are to be committed: those that were written to with their new length. */
function withParts(parts: readonly Part[], written: readonly PartFile[], stage: PartitionStage): readonly Part[] {
  const names = new Set(written.map(({ name }) => name))
  const now = written.map(({ name, end, opener }): Part => {
    const kind = stage.partOf(dataKind)?.name === name ? dataKind : journalKind
    return { name, length: end, opener, kind }
  })
  return [...parts.filter(({ name }) => !names.has(name)), ...now]
}
