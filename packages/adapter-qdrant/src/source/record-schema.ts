import type { Field, LogicalType, RecordSchema } from '@drover/core'
import type { CollectionShape } from './collection-shape.js'
import type { RecordForm } from './point-page.js'

/** Which forms of ids a collection has. */
export interface IdForms {
  readonly numbers: boolean
  readonly uuids: boolean
}

/** What records of a collection look like. */
export function recordSchema(
  shape: CollectionShape,
  form: RecordForm,
  ids: IdForms,
  wanted: (name: string) => boolean,
): RecordSchema {
  const hasShards = shape.shardKeys !== null
  const named = [...shape.vectors].filter(([name]) => wanted(name))
  const fields: (Field | false | null)[] = [
    hasShards && { name: 'shard_key', type: { kind: 'json' }, nullable: false },
    { name: 'id', type: idType(ids), nullable: false },
    { name: 'payload', type: { kind: 'json' }, nullable: !form.payload },
    form.vector && { name: 'vector', type: vectorType(shape, wanted), nullable: true },
    form.vectors && {
      name: 'vectors',
      type: { kind: 'struct', fields: named.map(([name, type]) => ({ name, type, nullable: true })) },
      nullable: true,
    },
  ]
  return {
    fields: fields.filter((field) => field !== false && field !== null),
    key: hasShards ? ['shard_key', 'id'] : ['id'],
  }
}

/** Where there is none, or none is read, it is null throughout. */
function vectorType({ vector }: CollectionShape, wanted: (name: string) => boolean): LogicalType {
  return vector !== null && wanted('') ? vector : { kind: 'json' }
}

/** Where both forms occur, or none yet, an id is JSON: a number or a text. */
function idType({ numbers, uuids }: IdForms): LogicalType {
  if (numbers === uuids) return { kind: 'json' }
  return numbers ? { kind: 'int', bits: 64 } : { kind: 'uuid' }
}
