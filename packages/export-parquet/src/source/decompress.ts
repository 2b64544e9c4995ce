import zlib from 'node:zlib'
import type { CompressionCodec } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'

/** Came with Node 22.15. */
const { zstdDecompressSync } = zlib as { zstdDecompressSync?: typeof zlib.gunzipSync }

/** Node's own where it has one: it is written in C, and checks the checksums. */
const ours: { readonly [codec in CompressionCodec]?: (input: Uint8Array, length: number) => Uint8Array } = {
  ...compressors,
  GZIP: (input, length) => zlib.gunzipSync(input, { maxOutputLength: Math.max(1, length) }),
  BROTLI: (input, length) => zlib.brotliDecompressSync(input, { maxOutputLength: Math.max(1, length) }),
  ...(zstdDecompressSync && {
    ZSTD: (input: Uint8Array, length: number) => zstdDecompressSync(input, { maxOutputLength: Math.max(1, length) }),
  }),
}

/** Whether pages compressed so can be read. */
export function canDecompress(codec: CompressionCodec | undefined): boolean {
  return codec === 'UNCOMPRESSED' || (codec !== undefined && ours[codec] !== undefined)
}

/** The `length` bytes that a page has when it is not compressed. */
export function decompress(codec: CompressionCodec, input: Buffer, length: number): Buffer {
  const output = codec === 'UNCOMPRESSED' ? input : length === 0 ? Buffer.alloc(0) : ours[codec]?.(input, length)
  if (output?.length !== length) throw new Error(`a page of ${length} bytes has ${output?.length ?? 0}`)
  return Buffer.from(output.buffer, output.byteOffset, output.byteLength)
}
