import type { Encoded, EncodeRequest, EncodingFailure } from './encode-thread.js'

/** How a row group is written. */
export interface WriterSettings {
  /** `Compression` of parquet-wasm. */
  readonly codec: number
  /** For columns that are not among `columns`. */
  readonly dictionary: boolean
  readonly columns: readonly ColumnSettings[]
}

/** The library knows columns of the top level by name; those inside lists and structs take what holds for all. */
export interface ColumnSettings {
  readonly name: string
  readonly dictionary: boolean
  /** `Encoding` of parquet-wasm, where there is no dictionary. */
  readonly encoding?: number
}

export declare function encode(request: EncodeRequest): Promise<Encoded | EncodingFailure>
