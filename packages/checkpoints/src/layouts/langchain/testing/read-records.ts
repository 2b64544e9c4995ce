import type { Cursor, Source, SourceReject } from '@drover/core'

/** All that a source gives, by pages of so many records. */
export async function readRecords<R>(
  source: Source<R>,
  records = 1000,
  after: Cursor | null = null,
): Promise<{
  readonly records: R[]
  readonly rejected: (SourceReject & { readonly raw?: Buffer })[]
  readonly cursors: Cursor[]
}> {
  const { signal } = new AbortController()
  const found: R[] = []
  const rejected: (SourceReject & { readonly raw?: Buffer })[] = []
  const cursors: Cursor[] = []
  await using session = await source.connect({ signal })
  const partition = { id: 'all', bounds: null }
  for await (const page of session.read({ signal, partition, after, page: { records, bytes: 1 << 24 } })) {
    found.push(...page.rows())
    for (const { raw, ...reject } of page.rejected ?? [])
      rejected.push({ ...reject, ...(raw && { raw: Buffer.from(raw) }) })
    cursors.push(page.cursor)
  }
  return { records: found, rejected, cursors }
}
