import type { Operation, Source } from '@drover/core'

/** All records of a source that has few of them. */
export async function readAll<R>(source: Source<R>, { signal }: Operation): Promise<readonly R[]> {
  await using session = await source.connect({ signal })
  const records: R[] = []
  const partition = { id: 'all', bounds: null }
  for await (const page of session.read({ signal, partition, after: null, page: { records: 1000, bytes: 1 << 24 } })) {
    records.push(...page.rows())
  }
  return records
}
