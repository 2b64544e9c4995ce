/** What stands for a value that JSON cannot hold: MongoDB Extended JSON v2, and `$json` for objects that look like a tag. */
const tags: ReadonlySet<string> = new Set(['$binary', '$numberDouble', '$numberLong', '$json'])

const double = /^(?:NaN|-?Infinity|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/i
const long = /^-?\d+$/

/** Whether an object with such a name may have to be told from a tag. */
export function isTagName(name: string): boolean {
  return name.charCodeAt(0) === 0x24 && tags.has(name)
}

/** Whether an object's only name is that of a tag. */
export function isTagged(value: object): boolean {
  const names = Object.keys(value)
  return names.length === 1 && tags.has(names[0] as string)
}

/** A quick look that spares most records the walk; one character is found far faster than two. */
export function mayHoldTags(text: string): boolean {
  return text.includes('$') && text.includes('"$')
}

/** Puts the values that tags stand for in their place, in the parsed value itself. */
export function decodeTags(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = decodeTags(value[i])
    return value
  }
  const fields = value as Record<string, unknown>
  return isTagged(fields) ? decodeTagged(fields) : decodeFields(fields)
}

function decodeFields(fields: Record<string, unknown>): Record<string, unknown> {
  for (const name of Object.keys(fields)) fields[name] = decodeTags(fields[name])
  return fields
}

/** An object that is not quite what the tag's form is, as other programs may write it, stays as it is. */
function decodeTagged(tagged: Record<string, unknown>): unknown {
  const { $json, $numberDouble, $numberLong, $binary } = tagged
  if (isObject($json)) return decodeFields($json)
  if (typeof $numberDouble === 'string' && double.test($numberDouble)) return Number($numberDouble)
  if (typeof $numberLong === 'string' && long.test($numberLong)) return BigInt($numberLong)
  return (isObject($binary) ? decodeBytes($binary) : undefined) ?? decodeFields(tagged)
}

function decodeBytes({ base64, subType, ...others }: Record<string, unknown>): Uint8Array | undefined {
  if (typeof base64 !== 'string' || subType !== '00' || Object.keys(others).length > 0) return undefined
  const bytes = new Uint8Array(Buffer.from(base64, 'base64'))
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0
  return bytes.length === (base64.length / 4) * 3 - padding ? bytes : undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
