import {
  DroverError,
  type ExactSession,
  type FidelityIssue,
  type RecordKey,
  type RecordSchema,
  type SinkAccount,
  type Source,
} from '@drover/core'
import { decodingSource } from '../base/decoding-source.js'
import { EncodedSession, type Encoding } from '../base/encoded-session.js'
import type { CheckpointRecord } from '../records/checkpoint-record.js'
import type { MessageRecord } from '../records/message-record.js'
import { OpaqueCount } from '../serde/tags/opaque.js'

export type ExportedRecord = CheckpointRecord | MessageRecord

/** How records become rows of files. */
export interface ExportForm {
  /** Names the sink in errors. */
  readonly where: string
  /** What the rows look like. */
  readonly schema: RecordSchema
  /** @throws `RECORD_UNREADABLE`, `RECORD_REFUSED` */
  readonly row: (record: ExportedRecord, key: RecordKey, opaque: OpaqueCount) => object
  /** The same of the rows that are read out of the files: in JSON each value brings its type. */
  readonly held: RecordSchema
}

/** A session that is given records, over one that writes their rows into files. */
export function exportSession(files: ExactSession<object>, form: ExportForm): ExactSession<ExportedRecord> {
  return new EncodedSession(files, new ExportEncoding(form, files.readBack?.bind(files)))
}

/** Makes rows of files, and counts the values that stay opaque in what was committed. */
class ExportEncoding implements Encoding<ExportedRecord, object> {
  readonly #opaque = new Map<string, number>()

  readonly readBack?: () => Source

  constructor(
    private readonly form: ExportForm,
    files: (() => Source) | undefined,
  ) {
    if (files === undefined) return
    this.readBack = () => {
      const rows = files()
      return decodingSource(rows, { name: rows.name, schema: form.held, sameFields: {}, decode: (row) => row })
    }
  }

  get schema(): RecordSchema {
    return this.form.schema
  }

  readonly check = ({ fields }: RecordSchema): readonly FidelityIssue[] => {
    const names = new Set(fields.map(({ name }) => name))
    if (fields.length === 0 || needed.some((all) => all.every((name) => names.has(name)))) return []
    throw new DroverError(
      'SINK_NOT_READY',
      `${this.form.where}: it takes checkpoints and messages as checkpointSource gives them, and these records have neither ${needed
        .map((all) => all.join(', '))
        .join(' nor ')}. Records of other kinds are written by jsonSink and parquetSink.`,
    )
  }

  readonly begin: Encoding<ExportedRecord, object>['begin'] = () => {
    const opaque = new OpaqueCount()
    return {
      encode: (record, key) => this.form.row(record, key, opaque),
      committed: () => this.#count(opaque),
    }
  }

  /** With how many values of the records written stayed opaque, by type. */
  readonly account = (inner: SinkAccount | undefined): SinkAccount | undefined => {
    if (this.#opaque.size === 0) return inner
    const figures = Object.fromEntries([...this.#opaque].map(([type, count]) => [`opaque ${type}`, count]))
    return { kept: [], ...inner, figures: { ...inner?.figures, ...figures } }
  }

  #count({ counts }: OpaqueCount): void {
    for (const [type, count] of Object.entries(counts)) {
      this.#opaque.set(type, (this.#opaque.get(type) ?? 0) + count)
    }
  }
}

/** What only a checkpoint, or only a message, has. */
const needed = [
  ['thread_id', 'checkpoint_id', 'state'],
  ['session_id', 'order', 'content'],
] as const
