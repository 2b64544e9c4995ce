/**
 * A value that a field of a store cannot take as it is. Whoever knows the record makes a `RECORD_REFUSED` of it.
 */
export class ValueRefused extends Error {
  override readonly name = 'ValueRefused'
  /** Where in the record it stands: `tags[3]`, `address.city`. Empty where only the field itself can be meant. */
  path = ''

  /**
   * @param what It is: "the number 1.5", "a text of 70 bytes".
   * @param remedy What can be done, as a sentence.
   */
  constructor(
    readonly what: string,
    readonly remedy: string,
  ) {
    super(`${what}; ${remedy}`)
  }

  /** Within a field, an element or another column. */
  within(place: string): this {
    this.path = place + this.path
    return this
  }
}

/** For a value of a JavaScript type that is none of the field's. @throws {@link ValueRefused} */
export function refuseType(value: unknown, expected: string): never {
  throw new ValueRefused(shownValue(value), `It takes ${expected}.`)
}

/** A value as a message shows it: never all of a long one. */
export function shownValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `the text ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)}`
    case 'number':
      return Object.is(value, -0) ? 'the number -0' : `the number ${value}`
    case 'bigint': {
      const digits = String(value)
      return digits.length > 40 ? `an integer of ${digits.length} digits` : `the integer ${digits}`
    }
    case 'boolean':
      return String(value)
    case 'object':
      return value === null ? 'null' : shownObject(value)
    default:
      return `a ${typeof value}`
  }
}

function shownObject(value: object): string {
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (value instanceof Date)
    return Number.isNaN(value.getTime()) ? 'a Date that is none' : `the Date ${value.toISOString()}`
  const name: unknown = value.constructor?.name
  if (typeof name !== 'string' || name === 'Object' || name === '') return 'an object'
  return ArrayBuffer.isView(value) && 'length' in value ? `a ${name} of ${String(value.length)}` : `a ${name}`
}
