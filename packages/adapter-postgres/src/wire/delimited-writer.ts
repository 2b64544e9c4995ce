import { DelimitedPage } from '@drover/core'
import type { Codec } from './codec.js'
import type { Refuse } from './row-writer.js'
import type { WireBuffer } from './wire-buffer.js'

/** How far a page has been taken apart. */
export interface Reading {
  readonly page: DelimitedPage
  readonly bytes: Buffer
  at: number
}

const { fieldEnd, recordEnd, nullText } = DelimitedPage
const nullByte = Buffer.from(nullText)[0] as number
/** Behind so many bytes of a field a call into C++ finds its end sooner. */
const shortField = 512

/** Writes the records of a page of texts as rows of COPY binary, most values from bytes to bytes. */
export class DelimitedWriter {
  constructor(
    private readonly codecs: readonly Codec[],
    private readonly refuse: Refuse,
  ) {}

  begin(page: DelimitedPage): Reading {
    const bytes = page.texts()
    // Only what is no value of ours to write has one: the careful way says what becomes of it.
    if (bytes.includes(0)) throw page.broken()
    return { page, bytes, at: 0 }
  }

  /** Writes the next record. @throws What is to be made of a value that is refused; `PAGE_STALE` if it has not as many fields as it should. */
  write(reading: Reading, out: WireBuffer, place: number): void {
    const { codecs } = this
    const { bytes, page } = reading
    const last = codecs.length - 1
    out.reserve(2)
    out.int16(codecs.length)
    for (let column = 0; column <= last; column++) {
      const { at } = reading
      const end = endOfField(bytes, at, column === last ? recordEnd : fieldEnd)
      if (end < 0) throw page.broken()
      reading.at = end + 1
      out.reserve(4)
      const slot = out.at
      out.int32(-1)
      if (bytes[at] === nullByte && isNull(bytes, at, end)) continue
      const codec = codecs[column] as Codec
      const { holds } = page.fields[column] as DelimitedPage['fields'][number]
      const direct = codec.encodeUtf8
      if (direct?.of !== holds || !direct.write(bytes, at, end, out)) {
        const value = page.valueOf(bytes.toString('utf8', at, end), column)
        try {
          codec.encode(value, out)
        } catch (error) {
          throw this.refuse(error, column, place)
        }
      }
      out.setInt32(slot, out.at - slot - 4)
    }
  }

  /** Nothing may be left. @throws `PAGE_STALE` */
  end({ at, bytes, page }: Reading): void {
    if (at !== bytes.length) throw page.broken()
  }
}

/** Where the field ends that begins at `from`; -1 if something else ends it. */
function endOfField(bytes: Buffer, from: number, mark: number): number {
  const near = Math.min(from + shortField, bytes.length)
  for (let at = from; at < near; at++) {
    const byte = bytes[at] as number
    // Line feeds and the like are text.
    if (byte > fieldEnd || (byte !== fieldEnd && byte !== recordEnd)) continue
    return byte === mark ? at : -1
  }
  const end = bytes.indexOf(mark, near)
  const other = bytes.indexOf(mark === fieldEnd ? recordEnd : fieldEnd, near)
  return other >= 0 && other < end ? -1 : end
}

function isNull(bytes: Buffer, at: number, end: number): boolean {
  return end - at === 4 && bytes.toString('utf8', at, end) === nullText
}
