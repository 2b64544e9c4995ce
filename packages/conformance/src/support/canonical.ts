/** One text for equal values and different texts for different ones: `1`, `1n`, `1.0` as text, bytes and null never coincide. */
export function canonical(value: unknown): string {
  switch (typeof value) {
    case 'bigint':
      return `${value}n`
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value)
    case 'object':
      return value === null ? 'null' : canonicalObject(value)
    case 'string':
      return JSON.stringify(value)
    default:
      return String(value)
  }
}

function canonicalObject(value: object): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (value instanceof Date) return `date(${Number.isNaN(value.getTime()) ? 'invalid' : value.toISOString()})`
  if (value instanceof Float32Array) return `float32[${Array.from(value, canonical).join(',')}]`
  // A Buffer is a Uint8Array, and equal to one of the same bytes.
  if (value instanceof Uint8Array) return `bytes(${Buffer.from(value).toString('hex')})`
  if (value instanceof Map) return `map${canonical([...value])}`
  if (value instanceof Set) return `set${canonical([...value])}`
  const fields = value as Readonly<Record<string, unknown>>
  let text = ''
  for (const name of Object.keys(fields).sort()) {
    if (fields[name] !== undefined) text += `${text && ','}${JSON.stringify(name)}:${canonical(fields[name])}`
  }
  return `{${text}}`
}
