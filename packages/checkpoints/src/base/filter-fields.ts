import type { FieldCondition, Filter } from '@drover/core'

/** Names of the fields that a filter looks at. */
export function fieldsOf(filter: Filter): readonly string[] {
  const parts = partsOf(filter)
  return parts === undefined ? Object.keys(filter) : parts.flatMap(fieldsOf)
}

/** The same filter on fields of other names; those that have no other one keep theirs. */
export function renamed(filter: Filter, names: ReadonlyMap<string, string>): Filter {
  if (Object.hasOwn(filter, 'and')) return { and: (partsOf(filter) ?? []).map((part) => renamed(part, names)) }
  if (Object.hasOwn(filter, 'or')) return { or: (partsOf(filter) ?? []).map((part) => renamed(part, names)) }
  if (Object.hasOwn(filter, 'not')) return { not: renamed((filter as { readonly not: Filter }).not, names) }
  const conditions = Object.entries(filter as Readonly<Record<string, FieldCondition>>)
  return Object.fromEntries(conditions.map(([field, condition]) => [names.get(field) ?? field, condition]))
}

function partsOf(filter: Filter): readonly Filter[] | undefined {
  const joined = filter as { readonly and?: readonly Filter[]; readonly or?: readonly Filter[]; readonly not?: Filter }
  if (Object.hasOwn(filter, 'and')) return joined.and
  if (Object.hasOwn(filter, 'or')) return joined.or
  return Object.hasOwn(filter, 'not') ? [joined.not as Filter] : undefined
}
