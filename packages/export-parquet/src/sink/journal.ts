import { type FileHandle, open } from 'node:fs/promises'
import { DroverError, type Part } from '@drover/core'
import type { GroupFooter } from '../encode/group-footer.js'

/** A row group in the data part of a lane: it holds all rows of its folder that came before it. */
export interface GroupEntry {
  readonly folder: string
  /** Name of the data part. */
  readonly data: string
  readonly at: number
  readonly footer: GroupFooter
}

/** Committed rows that are in no row group yet: an Arrow IPC stream in the journal. */
export interface RowsEntry {
  readonly folder: string
  readonly rows: number
  /** What they take in a builder. */
  readonly bytes: number
  /** Length of the stream. */
  readonly length: number
}

export type JournalEntry = GroupEntry | RowsEntry

/** Where the stream of some rows stands. */
export interface PendingRows extends RowsEntry {
  readonly part: string
  readonly at: number
}

/** What the journals of a lane say. */
export interface LaneContents {
  /** In the order in which they were written. */
  readonly groups: readonly GroupEntry[]
  /** Rows of no group, by folder. */
  readonly pending: ReadonlyMap<string, readonly PendingRows[]>
  /** All folders that rows went to. */
  readonly folders: ReadonlySet<string>
}

/** Ends a frame: a frame is what one batch wrote. */
const mark = 0x314a5044 // "DPJ1"
const trailerBytes = 8

interface FrameHeader {
  readonly entries: readonly JournalEntry[]
  /** Length of the streams in front of the header. */
  readonly payload: number
}

/** What stands behind the streams of a batch: its entries, and how to find the frame before it from the end of the file. */
export function frameEnd(entries: readonly JournalEntry[], payload: number): Uint8Array {
  const header = Buffer.from(JSON.stringify({ entries, payload } satisfies FrameHeader))
  const trailer = Buffer.alloc(trailerBytes)
  trailer.writeUInt32LE(header.length, 0)
  trailer.writeUInt32LE(mark, 4)
  return Buffer.concat([header, trailer])
}

/** What a lane holds, by the committed lengths of its journals. */
export async function readJournals(folder: string, parts: readonly Part[], output: string): Promise<LaneContents> {
  const groups: GroupEntry[] = []
  const pending = new Map<string, PendingRows[]>()
  const folders = new Set<string>()
  for (const part of parts) {
    if (part.kind !== 'journal') continue
    for (const { entries, at } of await framesOf(`${folder}/${part.name}`, part, output)) {
      let end = at
      for (const entry of entries) {
        folders.add(entry.folder)
        if ('footer' in entry) {
          groups.push(entry)
          pending.delete(entry.folder)
          continue
        }
        const rows: PendingRows = { ...entry, part: part.name, at: end }
        end += entry.length
        const before = pending.get(entry.folder)
        if (before === undefined) pending.set(entry.folder, [rows])
        else before.push(rows)
      }
    }
  }
  return { groups, pending, folders }
}

interface Frame {
  readonly entries: readonly JournalEntry[]
  /** Where its streams begin. */
  readonly at: number
}

/** The frames of a journal, oldest first. They are found from the end on: the streams between them are passed over. */
async function framesOf(path: string, { name, length }: Part, output: string): Promise<Frame[]> {
  const frames: Frame[] = []
  const handle = await openPart(path, output)
  try {
    for (let end = length; end > 0; ) {
      const trailer = await bytesAt(handle, end - trailerBytes, trailerBytes)
      const size = trailer.length === trailerBytes && trailer.readUInt32LE(4) === mark ? trailer.readUInt32LE(0) : 0
      const header = parseHeader(await bytesAt(handle, end - trailerBytes - size, size))
      if (header === undefined) {
        throw new DroverError(
          'STATE_INVALID',
          `${output}: ${name}, in which a run keeps its rows, is damaged before byte ${end}. Delete the folder it lies in to write the output anew.`,
        )
      }
      end -= trailerBytes + size + header.payload
      frames.push({ entries: header.entries, at: end })
    }
  } finally {
    await handle.close()
  }
  return frames.reverse()
}

function parseHeader(bytes: Buffer): FrameHeader | undefined {
  try {
    const header: unknown = JSON.parse(bytes.toString('utf8'))
    return typeof header === 'object' && header !== null ? (header as FrameHeader) : undefined
  } catch {
    return undefined
  }
}

/** Opens a part to read. @throws `STATE_INVALID` if it is gone */
export async function openPart(path: string, output: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new DroverError(
      'STATE_INVALID',
      `${output}: a part of it, ${path}, is not there any more. Delete the folder .drover beside it to write the output anew.`,
      { cause: error },
    )
  }
}

/** Fewer bytes where the file ends. */
export async function bytesAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  if (position < 0 || length <= 0) return Buffer.alloc(0)
  const bytes = Buffer.alloc(length)
  let read = 0
  while (read < length) {
    const { bytesRead } = await handle.read(bytes, read, length - read, position + read)
    if (bytesRead === 0) break
    read += bytesRead
  }
  return bytes.subarray(0, read)
}

/** Rows and bytes of what is in no row group. */
export function sizeOf(pending: readonly RowsEntry[]): { readonly rows: number; readonly bytes: number } {
  let rows = 0
  let bytes = 0
  for (const entry of pending) {
    rows += entry.rows
    bytes += entry.bytes
  }
  return { rows, bytes }
}
