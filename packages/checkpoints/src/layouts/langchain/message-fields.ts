import { DroverError, type FidelityIssue, type RecordSchema } from '@drover/core'
import { messageSchema } from '../../records/schemas.js'

const { fields } = messageSchema({ kind: 'any' }, true)
/** When a store would forget a message says nothing of one that keeps it. */
const known: ReadonlySet<string> = new Set(['expires_at', ...fields.map(({ name }) => name)])

/** Fields of records that a message has no place for. */
export function strangeFields(schema: RecordSchema): readonly FidelityIssue[] {
  const others = schema.fields.filter(({ name }) => !known.has(name))
  return others.map(({ name }) => ({
    field: name,
    loses: 'a message has no place for it in this layout',
    remedy: `omit: ["${name}"], or no step that adds it`,
  }))
}

/** @throws `SINK_NOT_READY` if the records are no messages */
export function requireMessages(where: string, schema: RecordSchema): void {
  if (schema.fields.length === 0) return
  const names = new Set(schema.fields.map(({ name }) => name))
  const missing = fields.filter((field) => !field.nullable && !names.has(field.name))
  if (missing.length === 0) return
  throw new DroverError(
    'SINK_NOT_READY',
    `${where}: it takes messages, and the records have no ${missing.map(({ name }) => `"${name}"`).join(', ')}: name a layout for what the source gives, or a step that makes messages of it.`,
  )
}
