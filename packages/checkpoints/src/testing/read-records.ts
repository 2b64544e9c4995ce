import type { Cursor, Source, SourceReject } from '@drover/core'

type Reject = SourceReject & { readonly raw?: Buffer }

/** All records of a source, and what it rejects. */
export async function readRecords<R>(
  source: Source<R>,
  size = 1000,
  after: Cursor | null = null,
): Promise<{ readonly records: R[]; readonly rejected: Reject[] }> {
  const { records, rejected } = await readPages(source, size, after)
  return { records, rejected }
}

/** The same, with where each of its pages ends. */
export async function readPages<R>(
  source: Source<R>,
  size: number,
  after: Cursor | null = null,
): Promise<{ readonly records: R[]; readonly rejected: Reject[]; readonly cursors: Cursor[] }> {
  const { signal } = new AbortController()
  const records: R[] = []
  const rejected: Reject[] = []
  const cursors: Cursor[] = []
  await using session = await source.connect({ signal })
  const options = { partition: { id: 'all', bounds: null }, after, page: { records: size, bytes: 1 << 24 } }
  for await (const page of session.read({ signal, ...options })) {
    records.push(...page.rows())
    for (const { raw, ...reject } of page.rejected ?? [])
      rejected.push({ ...reject, ...(raw && { raw: Buffer.from(raw) }) })
    cursors.push(page.cursor)
  }
  return { records, rejected, cursors }
}
