/** How the pages of a Parquet file are compressed. */
export type ParquetCompression = 'snappy' | 'zstd' | 'gzip' | 'none'
