import type { Page, ReadOptions, Source, SourceSession } from '@drover/core'
import type { QdrantRecord } from '../qdrant-record.js'

export const operation = { signal: new AbortController().signal }

type Part = Partial<Omit<ReadOptions, 'signal'>>

export async function readPages(session: SourceSession<QdrantRecord>, part: Part = {}): Promise<Page<QdrantRecord>[]> {
  const pages: Page<QdrantRecord>[] = []
  const all = { partition: { id: 'all', bounds: null }, after: null, page: { records: 1_000, bytes: 1e9 } }
  for await (const page of session.read({ ...operation, ...all, ...part })) pages.push(page)
  return pages
}

export async function readSource(source: Source<QdrantRecord>, part: Part = {}): Promise<QdrantRecord[]> {
  await using session = await source.connect(operation)
  return (await readPages(session, part)).flatMap((page) => page.rows())
}
