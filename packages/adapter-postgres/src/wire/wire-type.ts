/** What the wire has to know of a column's type, as pg_type and pg_attribute say it. */
export interface WireType {
  /** Of the type itself: a domain's own, an enum's own. Arrays name it in front of their elements. */
  readonly oid: number
  /** Whose binary form it has: a built-in type's oid (a domain's base type), or what its oid cannot say. */
  readonly base: number | 'enum' | 'vector' | 'array'
  /** As messages name it, such as `numeric(10,2)`. */
  readonly name: string
  /** pg_attribute.atttypmod: the scale of a numeric, the digits of a timestamp. @default -1 */
  readonly modifier?: number
  /** Of an array, if it is not an array of a built-in type. */
  readonly element?: WireType
}

/** A column on the wire. Sources read a type without a binary form as `::text`, and say `text` here. */
export interface WireColumn {
  readonly name: string
  readonly type: WireType
  /** Read for the key or the cursor alone, and no field of the records. @default false */
  readonly isHidden?: boolean
}

/** Oids of built-in types never change: they are in the initial catalogue (src/include/catalog/pg_type.dat). */
export const oids = {
  bool: 16,
  bytea: 17,
  name: 19,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  oid: 26,
  json: 114,
  float4: 700,
  float8: 701,
  bpchar: 1042,
  varchar: 1043,
  date: 1082,
  time: 1083,
  timestamp: 1114,
  timestamptz: 1184,
  interval: 1186,
  timetz: 1266,
  numeric: 1700,
  uuid: 2950,
  jsonb: 3802,
} as const

export type BuiltInName = keyof typeof oids

const arrayOids: { readonly [name in BuiltInName]: number } = {
  bool: 1000,
  bytea: 1001,
  name: 1003,
  int8: 1016,
  int2: 1005,
  int4: 1007,
  text: 1009,
  oid: 1028,
  json: 199,
  float4: 1021,
  float8: 1022,
  bpchar: 1014,
  varchar: 1015,
  date: 1182,
  time: 1183,
  timestamp: 1115,
  timestamptz: 1185,
  interval: 1187,
  timetz: 1270,
  numeric: 1231,
  uuid: 2951,
  jsonb: 3807,
}

/**
 * Whether values of one type, byte by byte, are what would be written to a column of the other: the same binary form, and no
 * precision of its own that a value would have to be checked against.
 */
export function hasSameForm(from: WireType, to: WireType): boolean {
  if (from.base === 'array' || to.base === 'array') {
    if (from.base !== to.base) return false
    const [element, other] = [elementOf(from), elementOf(to)]
    // The oid of the elements' type stands on the wire.
    return element !== undefined && other !== undefined && element.oid === other.oid && hasSameForm(element, other)
  }
  if (textBases.has(from.base) && textBases.has(to.base)) return true
  const modifier = to.modifier ?? -1
  return from.base === to.base && (modifier === -1 || modifier === (from.modifier ?? -1))
}

/** Of an array; undefined if nothing is known of its elements. */
export function elementOf(type: WireType): WireType | undefined {
  return type.element ?? builtInType(type.oid, type.modifier)?.element
}

/** A built-in type by its name, or an array of it: `wireType('int4')`, `wireType('int4[]')`. */
export function wireType(name: BuiltInName | `${BuiltInName}[]`, modifier = -1): WireType {
  if (!name.endsWith('[]')) return { oid: oids[name as BuiltInName], base: oids[name as BuiltInName], name, modifier }
  const element = name.slice(0, -2) as BuiltInName
  return { oid: arrayOids[element], base: 'array', name, element: wireType(element, modifier) }
}

/** A built-in type, or an array of one, by its oid; undefined if the wire has no binary form of it. */
export function builtInType(oid: number, modifier = -1): WireType | undefined {
  const name = builtInNames.get(oid)
  return name === undefined ? undefined : wireType(name, modifier)
}

/** Their values are texts on the wire; the server checks lengths and labels itself. */
const textBases: ReadonlySet<WireType['base']> = new Set([oids.text, oids.varchar, oids.bpchar, oids.name, 'enum'])

const builtInNames: ReadonlyMap<number, BuiltInName | `${BuiltInName}[]`> = new Map(
  (Object.keys(oids) as BuiltInName[]).flatMap((name) => [
    [oids[name], name] as const,
    [arrayOids[name], `${name}[]`] as const,
  ]),
)
