import { DroverError, shownValue, ValueRefused } from '@drover/core'

/** What stands between fields, and which field comes behind it. */
interface Part {
  readonly text: string
  readonly field: string
}

/** A key made of texts and fields: `user:{id}`. Braces that belong to the key are doubled: `{{tenant}}:user:{id}`. */
export class KeyTemplate {
  readonly fields: readonly string[]
  /** What every key begins with. */
  readonly prefix: string

  private constructor(
    private readonly parts: readonly Part[],
    /** Stands behind the last field. */
    private readonly end: string,
  ) {
    this.fields = parts.map(({ field }) => field)
    this.prefix = parts[0]?.text ?? end
  }

  /** @throws `OPTION_INVALID` */
  static parse(where: string, template: string): KeyTemplate {
    const parts: Part[] = []
    let text = ''
    for (const [token] of template.matchAll(/\{\{|\}\}|\{[^{}]+\}|[{}]|[^{}]+/g)) {
      if (token === '{' || token === '}') {
        throw new DroverError(
          'OPTION_INVALID',
          `${where}: key ${JSON.stringify(template)} has a single "${token}". A field stands between braces, such as {id}; a brace that belongs to the key is doubled: "${token}${token}".`,
        )
      }
      if (token === '{{' || token === '}}') text += token[0]
      else if (token.startsWith('{')) {
        parts.push({ text, field: token.slice(1, -1) })
        text = ''
      } else text += token
    }
    if (parts.length === 0) {
      throw new DroverError(
        'OPTION_INVALID',
        `${where}: key ${JSON.stringify(template)} names no field, so all records would have the same key. A field stands between braces: "user:{id}".`,
      )
    }
    return new KeyTemplate(parts, text)
  }

  /** Whether all keys hold this text, whatever is in the fields. */
  holds(text: string): boolean {
    return this.end.includes(text) || this.parts.some((part) => part.text.includes(text))
  }

  /** @throws ValueRefused */
  keyOf(record: Readonly<Record<string, unknown>>): string {
    let key = ''
    for (const { text, field } of this.parts) {
      const value = record[field]
      key += text + (typeof value === 'string' ? value : partOf(field, value))
    }
    return key + this.end
  }
}

function partOf(field: string, value: unknown): string {
  switch (typeof value) {
    case 'number':
      if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value)
      break
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'object':
      if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString()
      break
    default:
  }
  const what = value === undefined ? 'not there' : shownValue(value)
  throw new ValueRefused(
    `its field "${field}", which the key is made of, is ${what}`,
    'Set it in a step, or give key as a function.',
  )
}
