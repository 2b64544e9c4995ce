import type { Source, SourceReject } from '@drover/core'

/** All records of a source, and what it rejects. */
export async function readRecords<R>(
  source: Source<R>,
  size = 1000,
): Promise<{ readonly records: readonly R[]; readonly rejected: readonly SourceReject[] }> {
  const { signal } = new AbortController()
  await using session = await source.connect({ signal })
  const records: R[] = []
  const rejected: SourceReject[] = []
  const partition = { id: 'all', bounds: null }
  const page = { records: size, bytes: 8 << 20 }
  for await (const one of session.read({ signal, partition, after: null, page })) {
    records.push(...one.rows())
    rejected.push(...(one.rejected ?? []))
  }
  return { records, rejected }
}
