import { createHash } from 'node:crypto'

const plain = /[a-z0-9_-]/
/** Names that Windows keeps for devices, in any folder. */
const devices = /^(?:con|prn|aux|nul|com\d|lpt\d)$/
const longest = 120

/**
 * A name as a file or folder can bear it on every system, different for different names also where case or Unicode form
 * do not count: everything but small letters, digits, `-` and `_` becomes `%` and its UTF-8 bytes. What gets too long ends
 * in a hash.
 */
export function safeName(name: string): string {
  const bytes = Buffer.from(name, 'utf8')
  let safe = ''
  for (const byte of bytes) {
    const character = String.fromCharCode(byte)
    safe += plain.test(character) ? character : `%${byte.toString(16).padStart(2, '0')}`
  }
  // Half of a surrogate pair has no UTF-8 form: all of them become the same replacement character.
  const isWhole = bytes.toString('utf8') === name
  if (safe.length > longest || !isWhole) return `${safe.slice(0, longest - 41)}~${hashOf(name)}`
  return safe === '' || devices.test(safe) ? `%${safe}` : safe
}

function hashOf(name: string): string {
  return createHash('sha256').update(Buffer.from(name, 'utf16le')).digest('hex').slice(0, 40)
}
