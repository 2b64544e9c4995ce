import { createHash, hash } from 'node:crypto'
import type { TableContents } from './backup-manifest.js'

/**
 * Sums the SHA-256 of rows, so that their order makes no difference: a database that was restored may give them in another one. Each of the
 * eight words is summed for itself.
 */
export class RowSum {
  readonly #words = new Uint32Array(8)
  #rows = 0

  add(row: Uint8Array): void {
    const digest = hash('sha256', row, 'buffer')
    for (let at = 0; at < 8; at++) this.#words[at] = (this.#words[at] ?? 0) + digest.readUInt32LE(at * 4)
    this.#rows++
  }

  contents(name: string): TableContents {
    const words = Buffer.alloc(32)
    for (const [at, word] of this.#words.entries()) words.writeUInt32LE(word, at * 4)
    return {
      name,
      rows: this.#rows,
      sha256: createHash('sha256').update(words).update(String(this.#rows)).digest('hex'),
    }
  }
}

/** In what a database differs from what it should hold, in sentences; empty if in nothing. */
export function contentDifferences(should: readonly TableContents[], is: readonly TableContents[]): string[] {
  const found = new Map(is.map((table) => [table.name, table]))
  const differences = should.flatMap(({ name, rows, sha256 }) => {
    const table = found.get(name)
    found.delete(name)
    if (table === undefined) return [`${name} is not there`]
    if (table.rows !== rows) return [`${name} has ${table.rows} rows instead of ${rows}`]
    return table.sha256 === sha256 ? [] : [`${name} has other values in its ${rows} rows`]
  })
  return [...differences, ...[...found.keys()].map((name) => `${name} should not be there`)]
}
