import type { Cursor, Page, Partition, ReadOptions, Row, Source, SourceSession } from '@drover/core'
import { operation } from '../support/operation.js'

/** The partition of a source that is read as a whole. */
export const whole: Partition = { id: 'all', bounds: null }

/** Pages that no test outgrows. */
export const anyPage = { records: 1_000, bytes: 1_000_000_000 }

export type ReadPart = Partial<Omit<ReadOptions, 'signal'>>

/** All pages of one read, each retained as the engine retains those of an open batch. */
export async function readPages(session: SourceSession, part: ReadPart = {}): Promise<Page[]> {
  const pages: Page[] = []
  for await (const page of session.read({ ...operation(), partition: whole, after: null, page: anyPage, ...part })) {
    pages.push(page)
  }
  return pages
}

/** The records of one read. */
export async function readRows(session: SourceSession, part: ReadPart = {}): Promise<Row[]> {
  return (await readPages(session, part)).flatMap((page) => page.rows())
}

/** Opens a session for `work` alone. */
export async function withSession<T>(source: Source, work: (session: SourceSession) => Promise<T>): Promise<T> {
  await using session = await source.connect(operation())
  return await work(session)
}

/** A place between two pages: what came before it, and the cursor there. */
export interface Place {
  readonly after: Cursor | null
  readonly rowsBefore: number
}

/** Every place at which a read could be broken off. */
export function placesOf(pages: readonly Page[]): Place[] {
  let rowsBefore = 0
  return [
    { after: null, rowsBefore: 0 },
    ...pages.map((page) => {
      rowsBefore += page.rows().length
      return { after: page.cursor, rowsBefore }
    }),
  ]
}
