import type { Field, LogicalType, RecordSchema } from '../contracts/schema.js'
import type { Row } from '../contracts/values.js'

type Kind = LogicalType['kind']

/**
 * How the keys of what a flow gives and of the rows that were made of it can differ in form. A store may compare keys with less care than they
 * are written (a collation that does not look at case, spaces at the end), or write them in its own way (`{A0EE…}` as a UUID, `12:00` as a time).
 */
export class KeyForms {
  /** Whether the two sides may have forms that nobody can tell from others here: types differ, say. */
  readonly isUnsure: boolean
  /** Keys that differ are those of different rows. */
  readonly isExact: boolean
  readonly #like: (text: string) => string
  /** By field of the key, what the flow calls it, if some are called otherwise. */
  readonly #given: ReadonlyMap<string, string> | null

  constructor(key: readonly string[], flow: RecordSchema, rows: RecordSchema) {
    const given = new Map(key.map((name) => [name, givenName(name, flow)]))
    const pairs = key.map(
      (name) =>
        [
          flow.fields.find((field) => field.name === given.get(name)),
          rows.fields.find((field) => field.name === name),
        ] as const,
    )
    this.#given = key.every((name) => given.get(name) === name) ? null : given
    this.isUnsure = pairs.some(([one, other]) => !isKnown(one, other))
    this.isExact = pairs.every(
      ([one, other]) => exactKinds.has(one?.type.kind ?? 'any') && one?.type.kind === other?.type.kind,
    )
    this.#like = this.isExact ? (text) => text : squeezed
  }

  /** A row of the flow, with the fields of its key called as the rows that are there call them. */
  named(row: Row): Row {
    if (this.#given === null) return row
    return Object.fromEntries(
      Array.from(this.#given, ([name, given]) => [name, row[given]] as const).filter(
        ([, value]) => value !== undefined,
      ),
    )
  }

  /** The same for keys that a store may take for one another. */
  like(text: string): string {
    return this.#like(text)
  }
}

const exactKinds: ReadonlySet<Kind> = new Set(['int', 'boolean', 'bytes'])
const textKinds: ReadonlySet<Kind> = new Set(['text', 'uuid', 'any'])
/** Other types that are texts here are written in their own way by their store: `10.0.0.1/32` as `10.0.0.1`. */
const plainText = /char|text|string|clob|uuid|^name$|^any$|^blob$|^$/i

function isKnown(one: Field | undefined, other: Field | undefined): boolean {
  if (one === undefined || other === undefined) return false
  const [kind, otherKind] = [one.type.kind, other.type.kind]
  if (kind === otherKind && (exactKinds.has(kind) || kind === 'timestamp')) return true
  if (kind === otherKind && one.native !== undefined && one.native === other.native) return true
  return textKinds.has(kind) && textKinds.has(otherKind) && plainText.test(other.native ?? '')
}

/** Letters and digits, without accents and case; times to the minute, as a store may keep less of them. */
function squeezed(text: string): string {
  const plain = text.replace(/(\d{4}-\d\d-\d\dT\d\d:\d\d):\d\d(?:\.\d+)?/g, '$1')
  return plain
    .normalize('NFKD')
    .replace(/[^\p{L}\p{N}]+/gu, '')
    .toLowerCase()
}

/** Stores that do not look at the case of names take a field by another spelling. */
function givenName(name: string, { fields }: RecordSchema): string {
  if (fields.some((field) => field.name === name)) return name
  const [same, ...more] = fields.filter((field) => field.name.toLowerCase() === name.toLowerCase())
  return same !== undefined && more.length === 0 ? same.name : name
}
