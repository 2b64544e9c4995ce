import type { ConnectOperation, JsonValue, RecordSchema, Row, Source } from '@drover/core'
import { DecodingSession } from './decoding-session.js'

/** How records are made of the rows of another source. */
export interface Decoding<I, R> {
  /** Names the source in reports and in the run's fingerprint. */
  readonly name: string
  /** Besides what the other source says, part of the run's fingerprint: raise it when other records come of the same rows. */
  readonly version?: string
  /** What the records look like. */
  readonly schema: RecordSchema
  /** @throws what makes the row one that is rejected; a `DroverError` is shown as it is. */
  readonly decode: (row: I) => R
  /**
   * Fields of records that are fields of rows as well, with the same values, and what they are called there: conditions on them are
   * evaluated by the store. @default those of the key, under the same name
   */
  readonly sameFields?: Readonly<Record<string, string>>
  /** The key of a record, where that is not the key of its row. A row that is rejected keeps its own. */
  readonly keyOf?: (record: R) => readonly JsonValue[]
  /** The bytes of a row that is rejected, for its dead letter. */
  readonly rawOf?: (row: I) => Uint8Array | undefined
}

/**
 * A source of the records that rows of another one stand for. Keys, cursors, partitions and counts are those of the other source; a row
 * that cannot be decoded is rejected with its key and `RECORD_UNREADABLE`.
 *
 * @param inner The other source, or what makes it once there is a connection: a layout is found out by looking.
 */
export function decodingSource<I extends object = Row, R = Row>(
  inner: Source<I> | ((operation: ConnectOperation) => Promise<Source<I>>),
  decoding: Decoding<I, R>,
): Source<R> {
  const known = typeof inner === 'function' ? undefined : inner
  const versions = [known?.version, decoding.version].filter((version) => version !== undefined)
  return {
    specVersion: 1,
    name: decoding.name,
    ...(versions.length > 0 ? { version: versions.join('/') } : {}),
    ...(known?.repeats === undefined ? {} : { repeats: known.repeats }),
    ...(known?.isUnordered === undefined ? {} : { isUnordered: known.isUnordered }),
    connect: async (operation) => {
      const source = typeof inner === 'function' ? await inner(operation) : inner
      return new DecodingSession(await source.connect(operation), decoding)
    },
  }
}
