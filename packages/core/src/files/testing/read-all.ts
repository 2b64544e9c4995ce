import type { RecordKey, SourceReject } from '../../contracts/page.js'
import type { Source } from '../../contracts/source.js'
import type { Cursor, Row } from '../../contracts/values.js'
import { operation, whole } from './drive.js'

/** What a source gave, and how. */
export interface ReadBack {
  readonly rows: readonly Row[]
  readonly keys: readonly RecordKey[]
  readonly rejected: readonly SourceReject[]
  readonly cursors: readonly Cursor[]
  readonly pages: readonly number[]
}

export const largePages = { records: 1000, bytes: 1024 * 1024 }

/** Reads a source to its end. */
export async function readAll(source: Source, page = largePages, after: Cursor | null = null): Promise<ReadBack> {
  await using session = await source.connect(operation)
  const rows: Row[] = []
  const keys: RecordKey[] = []
  const rejected: SourceReject[] = []
  const cursors: Cursor[] = []
  const pages: number[] = []
  for await (const read of session.read({ ...operation, partition: whole, after, page })) {
    if (read.count !== read.rows().length + (read.rejected?.length ?? 0)) throw new Error('the page miscounts')
    if (read.count > page.records) throw new Error('the page is too long')
    rows.push(...read.rows())
    keys.push(...read.keys())
    rejected.push(...(read.rejected ?? []))
    cursors.push(read.cursor)
    pages.push(read.count)
  }
  return { rows, keys, rejected, cursors, pages }
}

export async function describeSource(source: Source) {
  await using session = await source.connect(operation)
  return session.describe(operation)
}

export async function countOf(source: Source) {
  await using session = await source.connect(operation)
  return session.count?.(operation)
}
