import { DroverError, encodeJson, shownValue, ValueRefused } from '@drover/core'

/**
 * A value as Redis holds it, which has bytes and nothing else: bytes and texts as they are, numbers and booleans as their text, instants as
 * ISO 8601, all that is made of parts as JSON.
 *
 * @throws ValueRefused
 */
export function fieldText(value: unknown): string | Uint8Array {
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value)
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'object':
      if (value instanceof Uint8Array) return value
      if (value !== null && !(value instanceof Date)) return jsonText(value)
      if (value !== null && !Number.isNaN(value.getTime())) return value.toISOString()
      break
    default:
  }
  throw new ValueRefused(
    value === undefined ? 'no value' : shownValue(value),
    'Redis holds texts and bytes: make one of it in a step.',
  )
}

/** @throws ValueRefused */
export function jsonText(value: unknown, encoding?: Parameters<typeof encodeJson>[1]): string {
  try {
    return encodeJson(value, encoding)
  } catch (error) {
    if (!DroverError.isInstance(error)) throw error
    const said = error.message.replace(/\.$/, '')
    throw new ValueRefused(`no JSON (${said})`, 'Turn it into what JSON has in a step.')
  }
}
