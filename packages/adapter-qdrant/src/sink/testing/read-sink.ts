import type { AckSink, RecordSchema, Row } from '@drover/core'

/** What is in the collection of a sink, as records. */
export async function readSink(sink: AckSink, expected: RecordSchema): Promise<Row[]> {
  const { signal } = new AbortController()
  await using session = await sink.connect({ signal })
  const source = session.readBack?.()
  if (source === undefined) throw new Error('The sink cannot be read back.')
  await using reading = await source.connect({ signal, expected })
  const rows: Row[] = []
  const all = { id: 'all', bounds: null }
  for await (const page of reading.read({ signal, partition: all, after: null, page: { records: 7, bytes: 1 << 20 } }))
    rows.push(...page.rows())
  return rows
}
