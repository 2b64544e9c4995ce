import type { Page, Row, Source } from '@drover/core'

export async function rowsOf(source: Source): Promise<Row[]> {
  return (await pagesOf(source)).flatMap((page) => page.rows())
}

export async function pagesOf(source: Source): Promise<Page[]> {
  const { signal } = new AbortController()
  await using session = await source.connect({ signal })
  const pages: Page[] = []
  const page = { records: 1_000, bytes: 1_000_000 }
  for await (const one of session.read({ signal, partition: { id: 'all', bounds: null }, after: null, page }))
    pages.push(one)
  return pages
}
