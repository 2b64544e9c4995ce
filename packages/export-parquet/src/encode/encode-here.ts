import type { EncodePlace } from './encode-thread.js'
import { encode } from './write-parquet.mjs'

/** Encodes on the application's own thread, which is blocked meanwhile: for where there can be no other. */
export const encodeHere: EncodePlace = { encode, close: async () => {} }
