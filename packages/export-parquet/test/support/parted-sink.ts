import type { CommitBatch, ExactSession, ExactSink, Page, RecordSchema, Row } from '@drover/core'

const parts = ['a/b', '', null, 'Ä %']

/** The schema with one field more, by which the records can be put into a few folders. */
export function withPart(schema: RecordSchema): RecordSchema {
  return { ...schema, fields: [...schema.fields, { name: 'part', type: { kind: 'text' }, nullable: true }] }
}

export function withoutPart(rows: readonly Row[]): Row[] {
  return rows.map(({ part: _, ...row }) => row)
}

/** The same sink, for records that do not have that field: each gets one. */
export function partedSink(sink: ExactSink): ExactSink {
  return { ...sink, connect: async (operation) => partedSession(await sink.connect(operation)) }
}

function partedSession(session: ExactSession): ExactSession {
  return {
    check: (schema) => session.check?.(withPart(schema)) ?? [],
    prepare: async (schema, operation) => session.prepare?.(withPart(schema), operation),
    heldBytes: () => session.heldBytes?.() ?? 0,
    claim: (claim, operation) => session.claim(claim, operation),
    write: (batch, operation) => session.write(partedBatch(batch), operation),
    finish: async (outcome, operation) => session.finish?.(outcome, operation),
    [Symbol.asyncDispose]: async () => session[Symbol.asyncDispose](),
  }
}

function partedBatch(batch: CommitBatch<Row>): CommitBatch<Row> {
  return {
    partition: batch.partition,
    sequence: batch.sequence,
    commit: (outcome) => batch.commit(outcome),
    async *[Symbol.asyncIterator]() {
      for await (const page of batch) yield partedPage(page)
    },
  }
}

function partedPage(page: Page): Page {
  const rows = page.rows().map((row) => ({ ...row, part: parts[String(row.id ?? row.number).length % parts.length] }))
  return {
    count: page.count,
    bytes: page.bytes,
    cursor: page.cursor,
    rows: () => rows,
    keys: () => page.keys(),
    slice: (from, to) => partedPage(page.slice(from, to)),
  }
}
