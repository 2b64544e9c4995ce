import type { Field, LogicalType } from '@drover/core'

/** What may be null, of columns and of fields inside of structs: their paths as a Parquet file has them, as JSON. */
export type NullablePaths = ReadonlySet<string>

export function nullablePath(path: readonly string[]): string {
  return JSON.stringify(path)
}

export function nullablePaths(fields: readonly Pick<Field, 'name' | 'type' | 'nullable'>[]): NullablePaths {
  const paths = new Set<string>()
  const take = (inside: readonly Pick<Field, 'name' | 'type' | 'nullable'>[], path: readonly string[]): void => {
    for (const { name, type, nullable } of inside) {
      const own = [...path, name]
      if (nullable) paths.add(nullablePath(own))
      const { type: item, path: below } = innermost(type, own)
      if (item.kind === 'struct') take(item.fields, below)
    }
  }
  take(fields, [])
  return paths
}

/** The fields, which may be null also where `paths` says so. */
export function withNullable<Column extends Pick<Field, 'name' | 'type' | 'nullable'>>(
  fields: readonly Column[],
  paths: NullablePaths,
  path: readonly string[] = [],
): Column[] {
  return fields.map((field) => {
    const own = [...path, field.name]
    const nullable = field.nullable || paths.has(nullablePath(own))
    return { ...field, nullable, type: typeWithNullable(field.type, paths, own) }
  })
}

function typeWithNullable(type: LogicalType, paths: NullablePaths, path: readonly string[]): LogicalType {
  switch (type.kind) {
    case 'list':
      return { ...type, of: typeWithNullable(type.of, paths, itemOf(path)) }
    case 'struct':
      return { ...type, fields: withNullable(type.fields, paths, path) }
    default:
      return type
  }
}

/** What lists, and lists of lists, hold. */
function innermost(type: LogicalType, path: readonly string[]): { type: LogicalType; path: readonly string[] } {
  return type.kind === 'list' ? innermost(type.of, itemOf(path)) : { type, path }
}

/** Items of lists may always be null. */
function itemOf(path: readonly string[]): readonly string[] {
  return [...path, 'list', 'element']
}
