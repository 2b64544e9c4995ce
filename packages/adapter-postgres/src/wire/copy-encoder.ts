import type { DelimitedPage, Row } from '@drover/core'
import { ChunkWriter } from './chunk-writer.js'
import type { CodecOptions } from './codec-for.js'
import type { DelimitedWriter } from './delimited-writer.js'

export interface EncoderOptions extends CodecOptions {
  /** As messages name the table. */
  readonly where: string
  /** Chunks are given out as soon as they have so many bytes. @default 131072 */
  readonly chunkBytes?: number
}

/** Writes records in a form of COPY. What opens and closes the stream is none of its business. */
export interface CopyEncoder {
  /**
   * Gives the chunks that are full; the rest stays for the next rows. A chunk is never written again, so it may be kept as
   * long as a socket needs it.
   *
   * @param first The first row's place in the batch.
   * @throws `RECORD_REFUSED` with the row's place; that row has left nothing, those before it are written.
   */
  encode(rows: readonly Row[], first: number): Iterable<Uint8Array>
  /** The same for a page of texts, where rows can be written of one; its fields are the columns, in their order. */
  encodeTexts?(page: DelimitedPage, first: number): Iterable<Uint8Array>
  /** What is left; null if nothing is. To be called before bytes from elsewhere are sent, and at the end. */
  flush(): Uint8Array | null
  /** Gives a chunk back once nobody reads it any more, which spares allocating another one. Not to do so is no error. */
  release(chunk: Uint8Array): void
}

/** Writes one row; whatever it throws, the encoder takes back what the row has written. */
export type WriteRow = (row: Row, place: number, chunks: ChunkWriter) => void

export function encoderOf(write: WriteRow, chunkBytes: number | undefined, texts?: DelimitedWriter): CopyEncoder {
  const chunks = new ChunkWriter(chunkBytes)
  const { out } = chunks
  return {
    *encode(rows, first) {
      for (let i = 0; i < rows.length; i++) {
        const start = out.at
        try {
          write(rows[i] as Row, first + i, chunks)
        } catch (error) {
          out.at = start
          throw error
        }
        if (chunks.isFull) yield chunks.take()
      }
    },
    ...(texts !== undefined && {
      *encodeTexts(page: DelimitedPage, first: number) {
        const reading = texts.begin(page)
        for (let i = 0; i < page.count; i++) {
          const start = out.at
          try {
            texts.write(reading, out, first + i)
          } catch (error) {
            out.at = start
            throw error
          }
          if (chunks.isFull) yield chunks.take()
        }
        texts.end(reading)
      },
    }),
    flush: () => (out.at === 0 ? null : chunks.take()),
    release: (chunk) => chunks.release(chunk),
  }
}
