import {
  DroverError,
  type Page,
  type ReadOptions,
  type Row,
  type Source,
  type SourceReject,
  type SourceSession,
} from '@drover/core'

/** Everything a source gives. */
export interface ReadResult {
  readonly rows: readonly Row[]
  readonly keys: readonly (readonly unknown[])[]
  readonly rejected: readonly SourceReject[]
  readonly pages: readonly Page<Row>[]
}

export const operation = { signal: new AbortController().signal }

export const whole: Pick<ReadOptions, 'partition' | 'after' | 'page' | 'signal'> = {
  ...operation,
  partition: { id: 'all', bounds: null },
  after: null,
  page: { records: 1000, bytes: 1_000_000 },
}

/** Reads a source from end to end. */
export async function readSource(source: Source, options: Partial<ReadOptions> = {}): Promise<ReadResult> {
  await using session = await source.connect(operation)
  return await readSession(session, options)
}

/** The same with a session that stays open. */
export async function readSession(session: SourceSession, options: Partial<ReadOptions> = {}): Promise<ReadResult> {
  const pages: Page<Row>[] = []
  for await (const page of session.read({ ...whole, ...options })) pages.push(page)
  return {
    rows: pages.flatMap((one) => one.rows()),
    keys: pages.flatMap((one) => one.keys().map(({ source: key }) => key)),
    rejected: pages.flatMap((one) => one.rejected ?? []),
    pages,
  }
}

/** What work fails with; it is one of ours, whatever happens. */
export async function failure(work: () => unknown): Promise<DroverError> {
  try {
    await work()
  } catch (error) {
    if (DroverError.isInstance(error)) return error
    throw new Error('it is no DroverError', { cause: error })
  }
  throw new Error('nothing failed')
}
