import type { FidelityIssue, RecordSchema, Sink } from '@drover/core'

/** What a run and its sink said to each other about the records. */
export interface Overheard {
  readonly sink: Sink
  /** What the run told the sink of them, before they were written. */
  schema(): RecordSchema
  /** What the sink said would be lost of them. */
  issues(): readonly FidelityIssue[]
}

/** A sink that is listened to. */
export function overheard(sink: Sink): Overheard {
  let schema: RecordSchema | undefined
  let issues: readonly FidelityIssue[] = []
  const connect = async (operation: Parameters<Sink['connect']>[0]) => {
    const session = await sink.connect(operation)
    const check = session.check?.bind(session)
    return Object.assign(session, {
      check: (told: RecordSchema) => {
        schema = told
        issues = check?.(told) ?? []
        return issues
      },
    })
  }
  return {
    sink: { ...sink, connect } as Sink,
    issues: () => issues,
    schema: () => {
      if (schema === undefined) throw new Error(`${sink.name} was told nothing of its records`)
      return schema
    },
  }
}
