const form =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:\.(\d+))?)?)?\s?(Z|z|UTC|[+-]\d{2}:?\d{2}|[+-]\d{2})?$/

/** The instant in microseconds, in the forms that the real server reads; without an offset it is UTC. Null for anything else. */
export function instantOf(text: string): bigint | null {
  const found = form.exec(text)
  if (found === null) return null
  const [, day, minute = '00:00', second = '00', fraction = '', zone = 'Z'] = found
  if (found[2] === undefined && found[5] !== undefined) return null
  const millis = Date.parse(`${day}T${minute}:${second}${offset(zone)}`)
  return Number.isNaN(millis) ? null : BigInt(millis) * 1000n + BigInt(fraction.padEnd(6, '0').slice(0, 6))
}

function offset(zone: string): string {
  if (/^[+-]/.test(zone)) return `${zone.slice(0, 3)}:${zone.replace(':', '').slice(3, 5).padEnd(2, '0')}`
  return 'Z'
}
