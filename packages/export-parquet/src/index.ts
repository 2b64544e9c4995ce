export type { ParquetCompression } from './encode/compression.js'
