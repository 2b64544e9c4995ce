import type { Page } from '../contracts/page.js'
import type { Claim, Position } from '../contracts/position.js'
import type { FidelityIssue, RecordSchema } from '../contracts/schema.js'
import type { CommitBatch, ExactSession, Rehearsal } from '../contracts/sink.js'
import type { Source } from '../contracts/source.js'
import type { ConnectOperation } from '../contracts/stall.js'
import type { Operation, Row } from '../contracts/values.js'
import { abortError } from '../engine/retry.js'
import type { FileFormat } from './file-format.js'
import { jsonFidelity } from './json-fidelity.js'
import type { JsonEncoding, JsonValues } from './json-values.js'
import { outputError } from './output-error.js'
import { makeFolders, type OutputLocation } from './output-location.js'
import { PieceBuffers, RecordWriter, type RecordWriting } from './record-writer.js'
import { rehearseFiles } from './rehearse-files.js'
import type { PartFile } from './staging/part-file.js'
import type { PartitionStage } from './staging/partition-stage.js'
import { type Placement, StagedOutput } from './staging/staged-output.js'

export interface FileSessionOptions {
  /** As the user named it. */
  readonly output: string
  /** Folder that the finished files stand in. */
  readonly folder: string
  readonly location: OutputLocation
  readonly format: FileFormat
  readonly gzip: boolean
  readonly values: JsonValues
  readonly readBack: () => Source
  readonly warn: ConnectOperation['warn']
}

/** What sinks of one file and of a file per batch have in common. */
export abstract class FileSession implements ExactSession<object> {
  protected readonly output: StagedOutput
  readonly #buffers = new Map<string, PieceBuffers>()
  #encoding: JsonEncoding

  constructor(
    protected readonly options: FileSessionOptions,
    private readonly placement: Placement,
  ) {
    const { output, format, gzip, location, values } = options
    this.output = new StagedOutput(
      { output, format: gzip ? `${format.name}+gzip` : format.name, staging: location.staging },
      placement,
    )
    this.#encoding = { values }
  }

  check(schema: RecordSchema): readonly FidelityIssue[] {
    return jsonFidelity(schema, this.options.values)
  }

  async prepare({ fields }: RecordSchema): Promise<void> {
    const anyFields = new Set(fields.filter(({ type }) => type.kind === 'any').map(({ name }) => name))
    this.#encoding = { values: this.options.values, anyFields }
  }

  rehearse(_: RecordSchema, pages: readonly Page<Row>[], operation: Operation): Promise<Rehearsal> {
    return this.#naming(async () => {
      const { output, folder, location, format, gzip } = this.options
      const kind = folder === location.path ? 'folder' : 'file'
      // Refuses what is there and must stay. Whether files in a folder are of an earlier run, only the manifest of that run knows.
      if (kind === 'file')
        await this.placement.begin({ run: '', partition: { id: 'all', bounds: null }, fence: 1 }, null)
      const making = { output, kind, folder, path: location.path } as const
      return rehearseFiles(making, { format, gzip, encoding: this.#encoding }, pages, operation)
    })
  }

  readBack(): Source {
    return this.options.readBack()
  }

  /** Records are text, or bytes, as soon as they have come. */
  readonly takesPagesOnce = true

  heldBytes(): number {
    let bytes = 0
    for (const buffers of this.#buffers.values()) bytes += buffers.length
    return bytes
  }

  claim(claim: Claim): Promise<Position | null> {
    return this.#naming(async () => {
      const { folder, location } = this.options
      await makeFolders(folder, location.staging)
      return this.output.claim(claim)
    })
  }

  readonly write = (
    batch: CommitBatch<object>,
    { mode, signal }: Operation & { readonly mode: 'commit' | 'probe' },
  ): Promise<void> =>
    this.#naming(async () => {
      const stage = this.output.stage(batch.partition.id)
      if (mode === 'commit') return this.commit(stage, batch, signal)
      await this.take(batch, this.writer(stage, null, undefined), signal)
    })

  finish(outcome: 'completed' | 'stopped' | 'failed', operation: Operation): Promise<void> {
    return this.#naming(async () => {
      if (outcome === 'completed') await this.output.finish(operation)
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.output.close()
  }

  /** Writes and commits one batch. */
  protected abstract commit(stage: PartitionStage, batch: CommitBatch<object>, signal: AbortSignal): Promise<void>

  /** Without a part it writes nothing. `opener` stands before the first record; undefined if other records do. */
  protected writer(stage: PartitionStage, part: PartFile | null, opener: string | undefined): RecordWriter {
    const { format, gzip } = this.options
    const writing: RecordWriting = { format, gzip, encoding: this.#encoding }
    let buffers = this.#buffers.get(stage.id)
    if (buffers === undefined) {
      buffers = new PieceBuffers()
      this.#buffers.set(stage.id, buffers)
    }
    return new RecordWriter(writing, buffers, part, opener)
  }

  protected async take(batch: CommitBatch<object>, writer: RecordWriter, signal: AbortSignal): Promise<void> {
    for await (const page of batch) {
      if (signal.aborted) throw abortError(signal)
      await writer.page(page)
    }
  }

  async #naming<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw outputError(error, this.options.output)
    }
  }
}
