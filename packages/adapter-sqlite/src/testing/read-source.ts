import type { Page, ReadOptions, Row, Source, SourceReject, SourceSession } from '@drover/core'

/** What a reader of pages asks them for: the source gives the next ones in another form for each. */
export type Asking = 'rows' | 'lines'

export const askings: readonly Asking[] = ['rows', 'lines']

/** Everything a source gives. */
export interface ReadResult {
  readonly rows: readonly Row[]
  readonly keys: readonly (readonly unknown[])[]
  readonly rejected: readonly SourceReject[]
  readonly pages: readonly Page<Row>[]
}

export const operation = { signal: new AbortController().signal }

const whole: Pick<ReadOptions, 'partition' | 'after'> = { partition: { id: 'all', bounds: null }, after: null }

/** Reads a source from end to end, as a consumer of that kind would. */
export async function readSource(
  source: Source,
  { asking = 'rows', ...options }: Partial<ReadOptions> & { readonly asking?: Asking } = {},
): Promise<ReadResult> {
  const session = await source.connect(operation)
  try {
    return await readSession(session, { asking, ...options })
  } finally {
    await session[Symbol.asyncDispose]()
  }
}

/** The same with a session that stays open. */
export async function readSession(
  session: SourceSession,
  { asking = 'rows', ...options }: Partial<ReadOptions> & { readonly asking?: Asking } = {},
): Promise<ReadResult> {
  const page = { records: 1000, bytes: 1_000_000 }
  const pages: Page<Row>[] = []
  for await (const next of session.read({ ...operation, ...whole, page, ...options })) {
    if (asking === 'rows') next.rows()
    pages.push(next)
  }
  return {
    rows: pages.flatMap((one) => one.rows()),
    keys: pages.flatMap((one) => one.keys().map(({ source: key }) => key)),
    rejected: pages.flatMap((one) => one.rejected ?? []),
    pages,
  }
}
