import type { Field, RecordSchema } from '../contracts/schema.js'
import type { Row } from '../contracts/values.js'
import { shown } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import type { TransformContext } from '../flow/transformer.js'
import { type BuiltIn, builtIn, withField } from './built-in.js'
import { withMember } from './json-text.js'

/** What a run says of a record that it moved. */
export interface Migrated {
  migrated_at: string
}

/** A `metadata` with what was added: an object has one member more, a JSON text stays a text. */
type WithMigrated<M> = M extends string ? string : M extends object ? M & Migrated : Migrated

/** A record with its metadata. */
export type WithMetadata<R> = R extends { readonly metadata?: infer M }
  ? Omit<R, 'metadata'> & { metadata: WithMigrated<M> }
  : R & { metadata: Migrated }

/** What `addMetadata` gives. */
export interface AddMetadataTransformer extends BuiltIn {
  <R extends object>(record: R, context: TransformContext): WithMetadata<R>
}

/**
 * Adds `metadata.migrated_at`: when the run started, in ISO 8601 and UTC. It is the same in every attempt and after every
 * resume, so that a record written again is the same record.
 *
 * The members that a `metadata` object has stay. Where it is a text, as in a SQLite column, that text has to hold a JSON
 * object and stays a text: the member is put into it and nothing else of it changes. A `metadata` of null or none becomes
 * an object; any other is refused.
 *
 * @throws `TRANSFORM_FAILED` for a `metadata` that is neither an object nor a JSON text of one.
 */
export function addMetadata(): AddMetadataTransformer {
  let start: Date | undefined
  let migratedAt = ''
  const run = (record: Row, { runStartedAt }: TransformContext): Row => {
    // It is one Date for all records of an attempt; writing it down each time cost more than all else.
    if (start !== runStartedAt) {
      start = runStartedAt
      migratedAt = start.toISOString()
    }
    return { ...record, metadata: withMigratedAt(record.metadata, migratedAt) }
  }
  const describe = (schema: RecordSchema) => withField(schema, metadataField(schema))
  return builtIn({ name: 'addMetadata', reads: ['metadata'], writes: ['metadata'], describe }, [], run)
}

function withMigratedAt(metadata: unknown, migratedAt: string): unknown {
  if (metadata === null || metadata === undefined) return { migrated_at: migratedAt }
  if (typeof metadata === 'string') {
    const text = withMember(metadata, 'migrated_at', JSON.stringify(migratedAt))
    if (text !== null) return text
  } else if (isPlainObject(metadata)) {
    return { ...metadata, migrated_at: migratedAt }
  }
  throw new DroverError(
    'TRANSFORM_FAILED',
    `addMetadata: the field "metadata" holds ${shown(metadata)}, and only an object or a JSON text of one can take a member; rename or omit the field first.`,
  )
}

/** Not an array, a Date or bytes: their copy would be something else. */
function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

function metadataField(schema: RecordSchema): Field {
  const was = schema.fields.find((field) => field.name === 'metadata')
  if (was?.type.kind === 'struct') {
    const added: Field = { name: 'migrated_at', type: { kind: 'timestamp', zone: true, digits: 3 }, nullable: false }
    const fields = [...was.type.fields.filter(({ name }) => name !== added.name), added]
    return { name: 'metadata', type: { kind: 'struct', fields }, nullable: false }
  }
  // A text column holds texts, and objects where it held null: json stands for both.
  return was?.type.kind === 'text' && !was.nullable
    ? was
    : { name: 'metadata', type: { kind: 'json' }, nullable: false }
}
