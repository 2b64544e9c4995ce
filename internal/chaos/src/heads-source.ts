import type { Page, RecordSchema, Row, Source, SourceSession } from '@drover/core'

/** The kill model's records as its steps know them, from a source that gives each as JSON text in the field `value`. */
export function headsSource(inner: Source, schema: RecordSchema): Source {
  return {
    ...inner,
    async connect(operation) {
      const session = await inner.connect(operation)
      return {
        ...methodsOf(session),
        describe: async () => schema,
        read: (options) => read(session, options),
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      }
    },
  }
}

function methodsOf(session: SourceSession): Partial<SourceSession> {
  const { count, partition, split } = session
  return {
    ...(count && { count: (options) => count.call(session, options) }),
    ...(partition && { partition: (options) => partition.call(session, options) }),
    ...(split && { split: (options) => split.call(session, options) }),
  }
}

async function* read(session: SourceSession, options: Parameters<SourceSession['read']>[0]): AsyncGenerator<Page> {
  for await (const page of session.read(options)) yield headsPage(page)
}

function headsPage(page: Page): Page {
  let rows: readonly Row[] | undefined
  const made = (): readonly Row[] => (rows ??= page.rows().map(({ value }) => JSON.parse(String(value)) as Row))
  return {
    count: page.count,
    bytes: page.bytes,
    cursor: page.cursor,
    ...(page.rejected && { rejected: page.rejected }),
    rows: made,
    keys: () => made().map(({ id }) => ({ source: [id as number], child: 0 })),
    slice: (from, to) => headsPage(page.slice(from, to)),
  }
}
