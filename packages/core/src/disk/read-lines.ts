import { open } from 'node:fs/promises'

/** A line and where it stands, without its line feed. */
export interface FileLine {
  readonly text: string
  /** In bytes. */
  readonly offset: number
  readonly bytes: number
}

const blockBytes = 256 * 1024

/** The whole lines of a file. What stands behind the last line feed is none: a crash tore it, or it is still being written. */
export async function* readLines(path: string): AsyncGenerator<FileLine> {
  const handle = await open(path, 'r')
  try {
    const block = Buffer.alloc(blockBytes)
    let begun: Buffer[] = []
    let begunBytes = 0
    let offset = 0
    for (;;) {
      const { bytesRead } = await handle.read(block, 0, block.length, offset + begunBytes)
      if (bytesRead === 0) return
      const bytes = block.subarray(0, bytesRead)
      let from = 0
      for (let to = bytes.indexOf(0x0a); to >= 0; to = bytes.indexOf(0x0a, from)) {
        const line = begun.length === 0 ? bytes.subarray(from, to) : Buffer.concat([...begun, bytes.subarray(from, to)])
        yield { text: line.toString('utf8'), offset, bytes: line.length }
        offset += line.length + 1
        begun = []
        begunBytes = 0
        from = to + 1
      }
      if (from < bytes.length) begun.push(Buffer.from(bytes.subarray(from)))
      begunBytes += bytes.length - from
    }
  } finally {
    await handle.close()
  }
}
