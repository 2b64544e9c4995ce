import fs from 'node:fs'
import path from 'node:path'
import { crc32 } from 'node:zlib'

export interface JournalEntry {
  readonly method: string
  readonly url: string
  readonly body: Buffer
}

/**
 * The requests that changed something, in a file, each written before it is answered: what was acknowledged survives a process that is
 * killed. It does not survive a machine that loses power, for nothing waits for the disk.
 */
export class Journal implements Disposable {
  readonly #file: number

  private constructor(
    file: string,
    readonly entries: readonly JournalEntry[],
    size: number,
  ) {
    fs.truncateSync(file, size)
    this.#file = fs.openSync(file, 'a')
  }

  /** Opens or creates it; an entry that was cut short by a kill was not acknowledged, and goes. */
  static open(folder: string): Journal {
    fs.mkdirSync(folder, { recursive: true })
    const file = path.join(folder, 'requests.log')
    fs.closeSync(fs.openSync(file, 'a'))
    const { entries, size } = parsed(fs.readFileSync(file))
    return new Journal(file, entries, size)
  }

  add({ method, url, body }: JournalEntry): void {
    const head = Buffer.from(JSON.stringify([method, url]))
    const sizes = Buffer.alloc(12)
    sizes.writeUInt32LE(head.length, 0)
    sizes.writeUInt32LE(body.length, 4)
    sizes.writeUInt32LE(checksum(head, body), 8)
    const entry = Buffer.concat([sizes, head, body])
    for (let at = 0; at < entry.length; ) at += fs.writeSync(this.#file, entry, at)
  }

  [Symbol.dispose](): void {
    fs.closeSync(this.#file)
  }
}

function parsed(bytes: Buffer): { entries: JournalEntry[]; size: number } {
  const entries: JournalEntry[] = []
  let at = 0
  while (at + 12 <= bytes.length) {
    const headEnd = at + 12 + bytes.readUInt32LE(at)
    const end = headEnd + bytes.readUInt32LE(at + 4)
    const head = bytes.subarray(at + 12, headEnd)
    const body = bytes.subarray(headEnd, end)
    if (end > bytes.length || checksum(head, body) !== bytes.readUInt32LE(at + 8)) break
    const [method, url] = JSON.parse(head.toString()) as [string, string]
    entries.push({ method, url, body: Buffer.from(body) })
    at = end
  }
  return { entries, size: at }
}

function checksum(head: Buffer, body: Buffer): number {
  return crc32(body, crc32(head))
}
