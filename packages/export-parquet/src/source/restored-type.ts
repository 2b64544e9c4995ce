import type { Field, LogicalType } from '@drover/core'
import type { ColumnNode } from './column-node.js'

/**
 * What a column holds, if somebody who knows says so and its values can be given as that: Parquet has no type for a vector, or keeps
 * fewer properties. Null if they cannot.
 */
export function restoredType(found: LogicalType, declared: LogicalType): LogicalType | null {
  switch (declared.kind) {
    case 'vector':
      return found.kind === 'list' && found.of.kind === 'float' && found.of.bits === 32 ? declared : null
    case 'json':
      return found.kind === 'json' || found.kind === 'text' ? declared : null
    case 'int':
      // Parquet stores small integers in wider ones.
      return found.kind === 'int' ? declared : null
    case 'float':
      return found.kind === 'float' && declared.bits >= found.bits ? declared : null
    case 'decimal':
      return found.kind === 'decimal' && (declared.scale ?? found.scale) === found.scale
        ? { ...found, ...declared }
        : null
    case 'timestamp':
      return found.kind === 'timestamp' && found.zone === declared.zone && declared.digits <= found.digits
        ? declared
        : null
    case 'list': {
      const of = found.kind === 'list' ? restoredType(found.of, declared.of) : null
      return of === null ? null : { kind: 'list', of }
    }
    case 'struct':
      return found.kind === 'struct'
        ? { kind: 'struct', fields: found.fields.map((field) => fieldOf(field, declared.fields)) }
        : null
    case 'any':
      return null
    default:
      return found.kind === declared.kind ? declared : null
  }
}

function fieldOf(field: Field, declared: readonly Field[]): Field {
  const type = declared.find(({ name }) => name === field.name)?.type
  return { ...field, type: (type === undefined ? null : restoredType(field.type, type)) ?? field.type }
}

/** The column with its values given as `type`, which `restoredType` made of its own. */
export function retyped(node: ColumnNode, type: LogicalType): ColumnNode {
  if (node.kind === 'leaf') return { ...node, type }
  if (node.kind === 'list')
    return type.kind === 'list' ? { ...node, type, item: retyped(node.item, type.of) } : { ...node, type }
  if (type.kind !== 'struct') return node
  const typeOf = (name: string): LogicalType | undefined => type.fields.find((field) => field.name === name)?.type
  const children = node.children.map((child) => retyped(child, typeOf(child.name) ?? child.type))
  return { ...node, type, children }
}
