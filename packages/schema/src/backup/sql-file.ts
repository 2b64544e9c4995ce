import { createReadStream } from 'node:fs'
import { DroverError } from '@drover/core'
import { tokensOf } from '../sql/tokens.js'

/** A part of a plain dump: statements, or the rows of one COPY in text format. */
export type SqlPart =
  | { readonly kind: 'sql'; readonly text: string }
  | { readonly kind: 'rows'; readonly copy: CopyHead; readonly rows: AsyncIterable<Uint8Array> }

export interface CopyHead {
  /** With its schema, and without quotes. */
  readonly table: string
  /** The statement, without its semicolon. */
  readonly sql: string
}

const lineFeed = 0x0a

/**
 * Reads a dump as pg_dump writes it in plain format: statements, and rows behind `COPY … FROM stdin;` up to a line `\.`. The rows of a part have
 * to be read before the next one is asked for. Chunks of rows are whole lines.
 *
 * @throws `BACKUP_INVALID` if the file ends within rows
 */
export async function* readSqlFile(path: string): AsyncGenerator<SqlPart, void, undefined> {
  const lines = new Blocks(path)
  try {
    let text = ''
    for (;;) {
      const line = await lines.next()
      const copy = line === null ? undefined : copyHead(line)
      if (line === null || copy !== undefined) {
        if (text.trim() !== '') yield { kind: 'sql', text }
        text = ''
        if (line === null) return
        if (copy !== undefined) yield { kind: 'rows', copy, rows: lines.rows(copy) }
      }
      // Commands of psql, which newer releases of pg_dump write around the rest.
      else if (!/^\\(?:un)?restrict /.test(line)) text += `${line}\n`
    }
  } finally {
    await lines.close()
  }
}

function copyHead(line: string): CopyHead | undefined {
  if (!/^COPY .* FROM stdin;$/i.test(line)) return undefined
  const tokens = tokensOf(line, 'postgres')
  const names: string[] = []
  for (const { kind, value } of tokens.slice(1)) {
    if (kind === 'symbol' && value === '.') continue
    if (kind !== 'word' && kind !== 'name') break
    names.push(value)
  }
  return { table: names.join('.'), sql: line.slice(0, -1) }
}

/** A file in blocks, by lines where somebody wants lines. */
class Blocks {
  readonly #stream: AsyncIterator<Buffer>
  #block: Buffer = Buffer.alloc(0)
  #at = 0

  constructor(private readonly path: string) {
    this.#stream = createReadStream(path, { highWaterMark: 512 * 1024 })[
      Symbol.asyncIterator
    ]() as AsyncIterator<Buffer>
  }

  /** The next line without its end; null behind the last one. */
  async next(): Promise<string | null> {
    const line = await this.#line()
    return line === null ? null : line.toString('utf8').replace(/\r?\n$/, '')
  }

  async *rows({ table }: CopyHead): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const end = this.#wholeLines()
      if (end !== null) {
        const { rows, isEnd } = end
        if (rows.length > 0) yield rows
        if (isEnd) return
      }
      if (!(await this.#more())) {
        throw new DroverError(
          'BACKUP_INVALID',
          `${this.path} ends within the rows of ${table}: it was cut off. Take another backup.`,
        )
      }
    }
  }

  async close(): Promise<void> {
    await this.#stream.return?.()
  }

  /** The whole lines of the block up to the end of the rows; null if there is none. */
  #wholeLines(): { readonly rows: Uint8Array; readonly isEnd: boolean } | null {
    const start = this.#at
    const end = endOfRows(this.#block, start)
    if (end !== null) {
      this.#at = end.behind
      return { rows: this.#block.subarray(start, end.at), isEnd: true }
    }
    const last = this.#block.lastIndexOf(lineFeed)
    if (last < start) return null
    this.#at = last + 1
    return { rows: this.#block.subarray(start, last + 1), isEnd: false }
  }

  async #line(): Promise<Buffer | null> {
    for (;;) {
      const end = this.#block.indexOf(lineFeed, this.#at)
      if (end >= 0) {
        const line = this.#block.subarray(this.#at, end + 1)
        this.#at = end + 1
        return line
      }
      if (await this.#more()) continue
      const rest = this.#block.subarray(this.#at)
      this.#at = this.#block.length
      return rest.length === 0 ? null : rest
    }
  }

  async #more(): Promise<boolean> {
    const { value, done } = await this.#stream.next()
    if (done === true) return false
    this.#block = this.#at === this.#block.length ? value : Buffer.concat([this.#block.subarray(this.#at), value])
    this.#at = 0
    return true
  }
}

/** A line of `\.` at the beginning or behind a line. Within a row, a backslash is written as two. */
function endOfRows(block: Buffer, start: number): { readonly at: number; readonly behind: number } | null {
  if (block.subarray(start, start + 3).equals(endMark)) return { at: start, behind: start + 3 }
  const at = block.indexOf(innerMark, start)
  return at < 0 ? null : { at: at + 1, behind: at + 4 }
}

const endMark = Buffer.from('\\.\n')
const innerMark = Buffer.from('\n\\.\n')

/** Gives each row of whole lines, without its line feed. */
export function eachRow(lines: Uint8Array, row: (bytes: Uint8Array) => void): void {
  let start = 0
  while (start < lines.length) {
    const found = lines.indexOf(lineFeed, start)
    const end = found < 0 ? lines.length : found
    row(lines.subarray(start, end))
    start = end + 1
  }
}
