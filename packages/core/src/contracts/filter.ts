/** A value that a filter compares with. `Date` is compared as an instant, as ISO 8601 texts are when both sides are one. */
export type FilterValue = string | number | bigint | boolean | Date

/** Conditions on one field; all of them must hold. A field that is null or missing satisfies only `isNull: true`. */
export interface FieldCondition {
  readonly eq?: FilterValue
  readonly ne?: FilterValue
  readonly in?: readonly FilterValue[]
  readonly nin?: readonly FilterValue[]
  readonly gt?: FilterValue
  readonly gte?: FilterValue
  readonly lt?: FilterValue
  readonly lte?: FilterValue
  /** SQL pattern: `%` any run of characters, `_` one; `\` escapes. Case matters. */
  readonly like?: string
  /** Shell pattern: `*`, `?`, `[abc]`. Case matters. */
  readonly glob?: string
  readonly isNull?: boolean
}

/** Which records to take. Text is compared by code point, times as instants. */
export type Filter =
  | { readonly and: readonly Filter[] }
  | { readonly or: readonly Filter[] }
  | { readonly not: Filter }
  | { readonly [field: string]: FieldCondition }
