import type { RecordSchema, Row, Source } from '@drover/core'

/** All records of a source, which may be told what they look like. @throws what made one of them unreadable */
export async function readRows(source: Source, expected?: RecordSchema): Promise<Row[]> {
  const { signal } = new AbortController()
  await using session = await source.connect({ signal, ...(expected === undefined ? {} : { expected }) })
  const rows: Row[] = []
  const partitions = (await session.partition?.({ signal, count: 1 })) ?? [{ id: 'all', bounds: null }]
  for (const partition of partitions) {
    const page = { records: 1_000, bytes: 1e9 }
    for await (const one of session.read({ signal, partition, after: null, page })) {
      for (const { error } of one.rejected ?? []) throw error
      rows.push(...one.rows())
    }
  }
  return rows
}
