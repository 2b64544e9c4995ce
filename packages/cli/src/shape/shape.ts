/**
 * What a part of a pipeline's file may look like. One description makes the JSON Schema for editors and is what the checker goes
 * by, so that both say the same.
 */
export type Shape =
  | TextShape
  | NumberShape
  | { readonly kind: 'flag'; readonly about?: string }
  | ListShape
  | ObjectShape
  | { readonly kind: 'map'; readonly of: Shape; readonly about?: string }
  | VariantsShape
  | { readonly kind: 'either'; readonly of: readonly Shape[]; readonly about?: string }
  | { readonly kind: 'filter'; readonly about?: string }
  /** Whatever YAML can say. */
  | { readonly kind: 'anything'; readonly about?: string }

export interface TextShape {
  readonly kind: 'text'
  /** All there are; else any text that is not empty. */
  readonly choices?: readonly string[]
  /** Those that an editor offers, though there are others. */
  readonly usual?: readonly string[]
  /** The empty text means something too. @default false */
  readonly mayBeEmpty?: boolean
  /** A date, or an instant, of ISO 8601. @default false */
  readonly isInstant?: boolean
  /** It may hold a password: messages never show it. @default false */
  readonly isSecret?: boolean
  readonly about?: string
}

export interface NumberShape {
  readonly kind: 'number'
  readonly isWhole: boolean
  readonly least: number
  readonly about?: string
}

export interface ListShape {
  readonly kind: 'list'
  readonly of: Shape
  readonly least: number
  readonly about?: string
}

/** Names that are known, and no others. */
export interface ObjectShape {
  readonly kind: 'object'
  readonly fields: Readonly<Record<string, Shape>>
  /** Names that must be there. */
  readonly required: readonly string[]
  /** One of these sets of names must be there as a whole. */
  readonly oneOf?: readonly (readonly string[])[]
  /** Fields whose shape the value of another field chooses. They stand in `fields` too, as what they are in any case. */
  readonly chosen?: Readonly<Record<string, ChosenShape>>
  readonly about?: string
}

/** Shapes of one field by the value of another one. */
export interface ChosenShape {
  readonly by: string
  readonly shapes: Readonly<Record<string, ObjectShape>>
}

/** An object whose field `type` says which of several it is; or one with `module`, where `module` is a shape. */
export interface VariantsShape {
  readonly kind: 'variants'
  /** What there are several of, such as `source`. */
  readonly noun: string
  /** The field that says it. @default 'type' */
  readonly by?: string
  /** One of them may have several forms again, told apart by another field. */
  readonly types: Readonly<Record<string, ObjectShape | VariantsShape>>
  readonly module?: ObjectShape
  readonly about?: string
}

export const text = (about?: string): TextShape => ({ kind: 'text', ...said(about) })
/** May hold a password. */
export const secret = (about?: string): TextShape => ({ kind: 'text', isSecret: true, ...said(about) })
/** A date, or an instant. */
export const instant = (about?: string): TextShape => ({ kind: 'text', isInstant: true, ...said(about) })
/** Also the empty one. */
export const anyText = (about?: string): TextShape => ({ kind: 'text', mayBeEmpty: true, ...said(about) })
export const choice = (choices: readonly string[], about?: string): TextShape => ({
  kind: 'text',
  choices,
  ...said(about),
})
export const whole = (least: number, about?: string): NumberShape => ({
  kind: 'number',
  isWhole: true,
  least,
  ...said(about),
})
export const amount = (least: number, about?: string): NumberShape => ({
  kind: 'number',
  isWhole: false,
  least,
  ...said(about),
})
export const flag = (about?: string): Shape => ({ kind: 'flag', ...said(about) })
export const list = (of: Shape, about?: string, least = 0): ListShape => ({ kind: 'list', of, least, ...said(about) })
export const map = (of: Shape, about?: string): Shape => ({ kind: 'map', of, ...said(about) })
export const either = (of: readonly Shape[], about?: string): Shape => ({ kind: 'either', of, ...said(about) })
export const filter = (about?: string): Shape => ({ kind: 'filter', ...said(about) })
export const anything = (about?: string): Shape => ({ kind: 'anything', ...said(about) })

/** A name, or several. */
export const names = (about?: string): Shape => either([text(), list(text(), undefined, 1)], about)

export function object(
  fields: Readonly<Record<string, Shape>>,
  required: readonly string[] = [],
  about?: string,
): ObjectShape {
  return { kind: 'object', fields, required, ...said(about) }
}

function said(about: string | undefined): { about?: string } {
  return about === undefined ? {} : { about }
}
