/** A place in a file, counted from 1; or in what a flag of the command line gives. */
export interface Place {
  readonly line: number
  readonly column: number
  /** The flag, and where in its JSON: `--source-config /table_name`. */
  readonly flag?: string
}

/** A value as the file gives it, with its place. */
export type Given = GivenScalar | GivenList | GivenMap

export interface GivenScalar {
  readonly kind: 'scalar'
  readonly place: Place
  readonly value: string | number | bigint | boolean | null
  /**
   * The text as it stands in the file, if variables were put into it: what messages show, for a variable may be a secret.
   */
  readonly written?: string
  /** It stands there without quotes: what variables made of it may be a number or a truth value. */
  readonly isPlain: boolean
}

export interface GivenList {
  readonly kind: 'list'
  readonly place: Place
  readonly items: readonly Given[]
}

export interface GivenMap {
  readonly kind: 'map'
  readonly place: Place
  readonly entries: ReadonlyMap<string, { readonly place: Place; readonly value: Given }>
}

/** What a message calls it. */
export function shownGiven(given: Given): string {
  if (given.kind === 'list') return 'a list'
  if (given.kind === 'map') return 'an object'
  if (given.written !== undefined) return `what ${given.written} stands for`
  const { value } = given
  if (value === null) return 'nothing'
  if (typeof value !== 'string') return String(value)
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}…` : value)
}

/** A text with the variables of a file in place of what they stand for, where it shows the whole of a value. */
export function withVariables(text: string, given: Given): string {
  if (given.kind === 'list') return given.items.reduce(withVariables, text)
  if (given.kind === 'map') return [...given.entries.values()].map(({ value }) => value).reduce(withVariables, text)
  const { value, written } = given
  if (written === undefined || value === '') return text
  // A short value may also be a part of some word.
  const whole = new RegExp(`(?<!\\w)${String(value).replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')}(?!\\w)`, 'g')
  return text.replace(whole, () => written)
}
