import type { FileHandle } from 'node:fs/promises'
import { createGunzip } from 'node:zlib'
import { DroverError } from '../errors/drover-error.js'
import type { FileFormat } from './file-format.js'
import { fixedGzipMember, isGzip } from './gzip-piece.js'
import type { Layout } from './staging/single-file.js'

const lineFeed = Buffer.from('\n')
const tailBytes = 64

/** What stands around and between the records of such a file, and how one that is there already is continued. */
export function fileLayout(format: FileFormat, gzip: boolean, output: string): Layout {
  const piece = gzip ? fixedGzipMember : (text: string): Uint8Array => Buffer.from(text)
  const opener = piece(format.opener)
  const closer = piece(format.closer)
  const empty = piece(format.empty)
  const hasGzip = gzip ? 'is not compressed with gzip' : 'is compressed with gzip'
  const refused = (why: string): DroverError =>
    new DroverError(
      'SINK_NOT_READY',
      `${output} ${why}, so nothing can be appended to it. Move it away, or write to another path.`,
    )
  return {
    opener,
    between: piece(format.between),
    closer,
    empty,
    async lengthToKeep(handle, size) {
      if (size === 0) return 0
      if (format.isEnvelope === true) {
        if (size === empty.byteLength && (await bytesAt(handle, 0, size)).equals(empty)) return 0
        const head = await bytesAt(handle, 0, opener.byteLength)
        const end = await bytesAt(handle, Math.max(0, size - closer.byteLength), closer.byteLength)
        if (head.equals(opener) && end.equals(closer)) return size - closer.byteLength
        throw refused('was not written by Drover with this envelope')
      }
      if (isGzip(await bytesAt(handle, 0, 2)) !== gzip) throw refused(hasGzip)
      if (format.closer === '') return size
      const tail = await bytesAt(handle, Math.max(0, size - tailBytes), Math.min(size, tailBytes))
      if (!gzip) return lengthWithoutBracket(await bytesAt(handle, 0, 1), tail, size, refused)
      if (size === empty.byteLength && tail.subarray(-size).equals(empty)) return 0
      if (!tail.subarray(-closer.byteLength).equals(closer)) throw refused('was not written by Drover')
      return size - closer.byteLength
    },
    async behindExisting(handle, length) {
      if (format.after !== '\n') return new Uint8Array(0)
      const last = gzip ? await lastByteInside(handle, length) : (await bytesAt(handle, length - 1, 1))[0]
      return last === 0x0a ? new Uint8Array(0) : gzip ? fixedGzipMember('\n') : lineFeed
    },
  }
}

/** Where the last record of an array ends; 0 if there is none. */
function lengthWithoutBracket(head: Buffer, tail: Buffer, size: number, refused: (why: string) => DroverError): number {
  const text = tail.toString('latin1').trimEnd()
  if (head[0] !== 0x5b || !text.endsWith(']')) throw refused('is no JSON array')
  const records = text.slice(0, -1).trimEnd()
  if (records.length > 1) return size - tail.length + records.length
  if (records === '[' && tail.length === size) return 0
  throw refused(`ends in more than ${tailBytes - 2} blanks`)
}

async function bytesAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  const { bytesRead } = await handle.read(bytes, 0, length, position)
  return bytes.subarray(0, bytesRead)
}

async function lastByteInside(handle: FileHandle, length: number): Promise<number | undefined> {
  const compressed = handle.createReadStream({ start: 0, end: length - 1, autoClose: false })
  const inflated = compressed.pipe(createGunzip())
  compressed.on('error', (error) => inflated.destroy(error))
  let last: number | undefined
  for await (const chunk of inflated as AsyncIterable<Buffer>) last = chunk.at(-1) ?? last
  return last
}
