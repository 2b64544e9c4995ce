import { DroverError } from '@drover/core'
import { Table, tableToIPC } from 'apache-arrow'
import { arrowSchema } from '../columns/arrow-schema.js'
import type { TablePlan } from '../columns/column-plan.js'
import { annotate } from './annotate.js'
import { chooseSettings, topColumns, trials } from './column-settings.js'
import type { ParquetCompression } from './compression.js'
import { cutGroup, metadataOf } from './cut-group.js'
import { encodeHere } from './encode-here.js'
import type { Encoded, EncodePlace, EncodeRequest, EncodingFailure } from './encode-thread.js'
import type { EncodedGroup } from './group-footer.js'
import { fileField } from './metadata.js'
import { borrowThread } from './spare-thread.js'
import { writeThrift } from './thrift.js'
import { structList, structsAt, text, withFields } from './thrift-fields.js'
import { version } from './version.js'
import type { WriterSettings } from './write-parquet.mjs'

export interface GroupEncoderOptions {
  readonly plan: TablePlan
  readonly compression: ParquetCompression
  /** Told once, as a sentence, if no worker thread can be started, so that row groups are encoded on the application's own. */
  readonly onNotice?: (notice: string) => void
}

/** `Compression` of parquet-wasm. */
const codecs: Readonly<Record<ParquetCompression, number>> = { none: 0, snappy: 1, gzip: 2, zstd: 5 }

/** Settings chosen by one row group are tried again by one that is so many times larger, unless it was large enough by itself. */
const largerBy = 4
const enoughBytes = 4 * 1024 * 1024

/**
 * Encodes row groups in a worker thread, one after the other, whoever asks. parquet-wasm writes only whole files: each row group becomes a
 * small file, and its column chunks are cut out of it.
 */
export class GroupEncoder {
  readonly #options: GroupEncoderOptions
  #place: Promise<EncodePlace> | undefined
  #last: Promise<unknown> = Promise.resolve()
  #schema: Uint8Array | undefined
  #settings: WriterSettings | undefined
  /** Length of the Arrow data by which the settings were chosen. */
  #chosenBy = 0
  #libraryBytes = 0
  #wasTold = false
  readonly #closing = new AbortController()

  constructor(options: GroupEncoderOptions) {
    this.#options = options
  }

  /**
   * Encodes an Arrow IPC stream of at least one row, with the columns of the plan. Its memory is transferred if it has a buffer of its own:
   * it must not be used any more.
   *
   * @throws `ABORTED` if `signal` is aborted before its turn comes; `UNEXPECTED` if the library or its thread fails.
   */
  encode(ipc: Uint8Array, signal?: AbortSignal): Promise<EncodedGroup> {
    return this.#queued(signal, async () => {
      const owned = await this.#choose(ownBuffer(ipc))
      return cutGroup(await this.#write(owned, this.#settings ?? this.#plain))
    })
  }

  /** Starts the thread, which takes longer than a small row group, while there is something else to wait for. */
  start(): void {
    this.#place ??= this.#start()
  }

  /** Memory that the library has taken: what the largest row group needed. It gives none back before the encoder is disposed. */
  get libraryBytes(): number {
    return this.#libraryBytes
  }

  /** The description of the columns for `fileFooter`: what the library writes for a table without rows, annotated. */
  schema(signal?: AbortSignal): Promise<Uint8Array> {
    return this.#queued(signal, () => this.#describe())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new DroverError('ABORTED', 'The encoder of Parquet row groups was closed.'))
    const place = await this.#place
    await place?.close()
  }

  /** Runs `work` when all that was asked before is done. */
  #queued<Result>(signal: AbortSignal | undefined, work: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(async () => {
      for (const { aborted, reason } of [this.#closing.signal, ...(signal === undefined ? [] : [signal])]) {
        if (aborted) throw DroverError.from(reason, 'A row group was not encoded', 'ABORTED')
      }
      return await work()
    })
    this.#last = turn.catch(() => undefined)
    return turn
  }

  async #describe(): Promise<Uint8Array> {
    if (this.#schema === undefined) {
      const { plan } = this.#options
      const file = await this.#write(ownBuffer(tableToIPC(new Table(arrowSchema(plan)), 'stream')), this.#plain)
      const metadata = metadataOf(file)
      const elements = annotate(
        structsAt(metadata, fileField.schema, 'The schema that parquet-wasm wrote'),
        plan.columns,
      )
      const changes = {
        [fileField.schema]: structList(elements),
        // In the form that readers of the Java family parse, which take no statistics from a writer they cannot make out:
        // https://github.com/apache/parquet-java/blob/master/parquet-common/src/main/java/org/apache/parquet/VersionParser.java
        [fileField.createdBy]: text(`drover version ${version}`),
      }
      this.#schema = writeThrift(withFields(metadata, changes))
    }
    return this.#schema
  }

  /**
   * Decides how each column is encoded, by trying: the first row group is written in every way. It is done again when one comes that is
   * much larger, for what a dictionary saves shows only then.
   */
  async #choose(ipc: Uint8Array): Promise<Uint8Array> {
    if (ipc.length <= largerBy * this.#chosenBy || this.#chosenBy > enoughBytes) return ipc
    const length = ipc.length
    const { codec } = this.#plain
    const columns = topColumns(await this.#describe())
    const tried = await this.#ask({ ipc, variants: trials(codec, columns), onlyFooters: true })
    const [plain = new Uint8Array(), dictionary = new Uint8Array()] = tried.files
    this.#settings = chooseSettings(codec, columns, [plain, dictionary])
    this.#chosenBy = length
    return tried.ipc
  }

  get #plain(): WriterSettings {
    return { codec: codecs[this.#options.compression], dictionary: false, columns: [] }
  }

  async #write(ipc: Uint8Array, settings: WriterSettings): Promise<Uint8Array> {
    const { files } = await this.#ask({ ipc, variants: [settings], onlyFooters: false })
    return files[0] ?? new Uint8Array()
  }

  async #ask(request: EncodeRequest): Promise<Encoded> {
    const length = request.ipc.length
    this.#place ??= this.#start()
    const place = await this.#place
    let answer: Encoded | EncodingFailure
    try {
      answer = await place.encode(request)
    } catch (error) {
      await this.#stop(place)
      throw this.#closing.signal.aborted ? this.#closing.signal.reason : error
    }
    if ('files' in answer) {
      this.#libraryBytes = answer.libraryBytes
      return answer
    }
    // The library keeps memory of what failed, and cannot be used again after a trap.
    await this.#stop(place)
    if (answer.isMissing === true) {
      throw new DroverError(
        'UNEXPECTED',
        `The library parquet-wasm could not be loaded: ${answer.failed}. An application that is bundled into one file has to leave it, or all of @drover/export-parquet, out of the bundle.`,
      )
    }
    throw new DroverError(
      'UNEXPECTED',
      `parquet-wasm could not encode a row group of ${length} bytes: ${answer.failed}. Nothing of it was written. If it was short of memory, a smaller rowGroupBytes needs less.`,
    )
  }

  async #start(): Promise<EncodePlace> {
    try {
      return await borrowThread()
    } catch (error) {
      const reason = DroverError.isInstance(error) ? error.cause : error
      if (!this.#wasTold) this.#tell(reason)
      return encodeHere
    }
  }

  #tell(reason: unknown): void {
    this.#wasTold = true
    this.#options.onNotice?.(
      `Row groups are encoded on the application's own thread, which is blocked meanwhile (some 100 ms for 100,000 rows), because the worker thread of @drover/export-parquet does not start (${reason instanceof Error ? reason.message : String(reason)}). An application that is bundled into one file has to leave this package out of the bundle.`,
    )
  }

  /** The next row group gets another thread. */
  async #stop(place: EncodePlace): Promise<void> {
    this.#place = undefined
    await place.close()
  }
}

/** Memory that can be moved to another thread whole. */
function ownBuffer(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice()
}
