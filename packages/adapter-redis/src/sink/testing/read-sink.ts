import type { AckSink, ExactSink, RecordSchema, Row, Source } from '@drover/core'

/** All rows that a sink reads back. */
export async function readSink(sink: ExactSink | AckSink, schema: RecordSchema): Promise<Row[]> {
  const signal = AbortSignal.timeout(30_000)
  await using session = await sink.connect({ signal })
  await session.prepare?.(schema, { signal })
  const source = session.readBack?.()
  if (source === undefined) throw new Error('The sink cannot be read back.')
  return await readSource(source)
}

/** All records of a source. */
export async function readSource<R extends object>(source: Source<R>): Promise<R[]> {
  const signal = AbortSignal.timeout(30_000)
  await using session = await source.connect({ signal })
  const rows: R[] = []
  const page = { records: 1_000, bytes: 512 * 1024 }
  const partition = { id: 'all', bounds: null }
  for await (const found of session.read({ signal, partition, after: null, page })) rows.push(...found.rows())
  return rows
}
