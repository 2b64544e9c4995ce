/**
 * Sets one member of the object that a JSON text holds, by editing the text: parsing and writing it again would round
 * its large numbers and change how others are written. `value` is JSON. Null if the text holds no object.
 */
export function withMember(text: string, name: string, value: string): string | null {
  const parsed = parsedObject(text)
  if (parsed === null) return null
  const member = `${JSON.stringify(name)}:${value}`
  if (Object.hasOwn(parsed, name)) return replaced(text, name, value)
  const end = text.lastIndexOf('}')
  return `${text.slice(0, end)}${Object.keys(parsed).length > 0 ? ',' : ''}${member}${text.slice(end)}`
}

function parsedObject(text: string): object | null {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? parsed : null
  } catch {
    return null
  }
}

/** One token of a text that is known to be JSON: a string, a sign, or a number or word. */
const token = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g

/** The text with another value for that member, wherever the outermost object names it. */
function replaced(text: string, name: string, value: string): string {
  let result = ''
  let copied = 0
  let depth = 0
  let isValue = false
  let isWanted = false
  for (const { 0: sign, index } of text.matchAll(token)) {
    const opens = sign === '{' || sign === '['
    const closes = sign === '}' || sign === ']'
    if (closes) depth--
    if (depth === 1) {
      if (sign === ':' || sign === ',') isValue = sign === ':'
      else if (!isValue) isWanted = JSON.parse(sign) === name
      else if (isWanted) {
        // A nested value begins where depth is still 1, and ends where it is 1 again.
        if (!closes) result += text.slice(copied, index) + value
        copied = index + sign.length
      }
    }
    if (opens) depth++
  }
  return result + text.slice(copied)
}
