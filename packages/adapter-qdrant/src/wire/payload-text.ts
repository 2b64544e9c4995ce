import { encodeJson, type JsonValues, type Row, shownValue, ValueRefused } from '@drover/core'

/** What Qdrant's reader takes at the most is 127; the request around a payload is three of them. */
export const mostLevels = 124

const noFields: ReadonlySet<string> = new Set()
const leastInteger = -(2n ** 63n)
const mostInteger = 2n ** 64n - 1n

/**
 * A payload as JSON.
 *
 * @param anyFields Fields whose integers and reals are told apart: see core's `encodeJson`.
 * @throws ValueRefused for what would make the server refuse the whole request, or would not arrive as it left
 */
export function payloadText(payload: Row, values: JsonValues, anyFields: ReadonlySet<string> = noFields): string {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) {
    throw new ValueRefused(shownValue(payload), 'A payload is an object.')
  }
  checkFields(payload, 1, values)
  return encodeJson(payload, { values, anyFields })
}

function check(value: unknown, level: number, values: JsonValues): void {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw halfACharacter(value)
  } else if (typeof value === 'bigint') {
    if (value < leastInteger || value > mostInteger) {
      throw new ValueRefused(
        shownValue(value),
        'Integers of a payload have 64 bits at the most: give a larger one as a text.',
      )
    }
  } else if (typeof value === 'number') {
    if (values === 'plain' && !Number.isFinite(value)) {
      throw new ValueRefused(shownValue(value), 'JSON has no form for it: repair it in a step, or leave the field out.')
    }
  } else if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
    checkFields(value, level + 1, values)
  }
}

function checkFields(value: object, level: number, values: JsonValues): void {
  if (level > mostLevels) {
    throw new ValueRefused(
      'a value within more than 124 others',
      'Qdrant reads JSON of fewer levels: store this field as a text.',
    )
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) placed(value[i], level, values, () => `[${i}]`)
    return
  }
  for (const name of Object.keys(value)) {
    if (!name.isWellFormed()) throw halfACharacter(name)
    const field = (value as Row)[name]
    if (typeof field === 'string' ? !field.isWellFormed() : typeof field !== 'boolean') {
      placed(field, level, values, () => (level === 1 ? name : `.${name}`))
    }
  }
}

function placed(value: unknown, level: number, values: JsonValues, place: () => string): void {
  try {
    check(value, level, values)
  } catch (error) {
    throw error instanceof ValueRefused ? error.within(place()) : error
  }
}

function halfACharacter(text: string): ValueRefused {
  return new ValueRefused(
    `${shownValue(text)}, which has half of a surrogate pair`,
    'UTF-8 has no form for it: remove it in a step.',
  )
}
