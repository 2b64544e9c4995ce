import { DroverError, type Field, type LogicalType, suggestNames } from '@drover/core'

/**
 * A type as text. `timestamp` is without a zone, `timestamptz` with one; their number is the digits of a second, 6 without it.
 *
 * `'struct(name text, size int32)'`: a name that is not of letters, digits and `_` stands in quotation marks, as JSON writes it.
 */
export type ParquetTypeName =
  | SimpleName
  | 'timestamp'
  | 'timestamptz'
  | `timestamp(${number})`
  | `timestamptz(${number})`
  | `decimal(${number})`
  | `decimal(${number},${number})`
  | `decimal(${number}, ${number})`
  | `vector(${number})`
  | `list(${string})`
  | `struct(${string})`

type SimpleName = keyof typeof simpleTypes

const simpleTypes = {
  boolean: { kind: 'boolean' },
  int8: { kind: 'int', bits: 8 },
  int16: { kind: 'int', bits: 16 },
  int32: { kind: 'int', bits: 32 },
  int64: { kind: 'int', bits: 64 },
  float32: { kind: 'float', bits: 32 },
  float64: { kind: 'float', bits: 64 },
  text: { kind: 'text' },
  bytes: { kind: 'bytes' },
  date: { kind: 'date' },
  time: { kind: 'time' },
  uuid: { kind: 'uuid' },
  json: { kind: 'json' },
} as const satisfies Record<string, LogicalType>

const otherNames = ['decimal', 'timestamp', 'timestamptz', 'vector', 'list', 'struct']
const allNames = [...Object.keys(simpleTypes), ...otherNames]
const plainName = /^[A-Za-z_]\w*$/

/**
 * Reads a `ParquetTypeName`; a logical type is checked and comes back as it is.
 *
 * @param where Names the option in errors: `parquetSink: types: "price"`.
 * @throws `OPTION_INVALID`
 */
export function parquetType(type: ParquetTypeName | LogicalType, where: string): LogicalType {
  if (typeof type === 'string') return new TypeReader(type, where).whole()
  if (!isWhole(type)) throw invalid(where, 'a type is a name such as "int64" or "decimal(12,2)", or a logical type')
  // What reads its name checks its numbers too, and refuses `any`, which has none.
  new TypeReader(typeName(type), where).whole()
  return type
}

/** Whether it has the parts that its name is made of. */
function isWhole(type: unknown): type is LogicalType {
  if (typeof type !== 'object' || type === null) return false
  const { kind, of, fields } = type as { kind?: unknown; of?: unknown; fields?: unknown }
  if (kind === 'list') return isWhole(of)
  if (kind !== 'struct') return typeof kind === 'string'
  return (
    Array.isArray(fields) &&
    fields.every((field: Partial<Field> | null) => typeof field?.name === 'string' && isWhole(field.type))
  )
}

/** A type as text, as `parquetType` reads it. */
export function typeName(type: LogicalType): string {
  switch (type.kind) {
    case 'int':
    case 'float':
      return `${type.kind}${type.bits}`
    case 'decimal':
      return type.precision === undefined ? 'decimal' : `decimal(${type.precision},${type.scale ?? 0})`
    case 'timestamp':
      return `timestamp${type.zone ? 'tz' : ''}(${type.digits})`
    case 'list':
      return `list(${typeName(type.of)})`
    case 'vector':
      return `vector(${type.dimensions})`
    case 'struct':
      return `struct(${type.fields.map(({ name, type }) => `${shownName(name)} ${typeName(type)}`).join(', ')})`
    default:
      return type.kind
  }
}

function shownName(name: string): string {
  return plainName.test(name) ? name : JSON.stringify(name)
}

function invalid(where: string, reason: string): DroverError {
  return new DroverError('OPTION_INVALID', `${where}: ${reason}.`)
}

/** Reads from left to right. */
class TypeReader {
  #at = 0

  constructor(
    private readonly text: string,
    private readonly where: string,
  ) {}

  whole(): LogicalType {
    const type = this.#type()
    if (this.#next() !== '') throw this.#unreadable()
    return type
  }

  #type(): LogicalType {
    const name = this.#word()
    if (Object.hasOwn(simpleTypes, name)) return simpleTypes[name as SimpleName]
    switch (name) {
      case 'decimal':
        return this.#decimal()
      case 'timestamp':
      case 'timestamptz':
        return this.#timestamp(name === 'timestamptz')
      case 'vector':
        return { kind: 'vector', dimensions: this.#numbers(1, 1, 65_535)[0] as number }
      case 'list':
        return this.#list()
      case 'struct':
        return this.#struct()
      default:
        throw new DroverError(
          'OPTION_INVALID',
          `${this.where}: there is no type "${name}"${suggestNames(name, allNames)}`,
        )
    }
  }

  #decimal(): LogicalType {
    if (this.#next() !== '(') throw invalid(this.where, 'a decimal needs its digits, as in decimal(12,2)')
    const [precision, scale = 0] = this.#numbers(2, 0, 38)
    if (precision === undefined || precision === 0 || scale > precision) {
      throw invalid(
        this.where,
        `${this.text} is no decimal: it has 1 to 38 digits, and not more of them behind the point`,
      )
    }
    return { kind: 'decimal', precision, scale }
  }

  #timestamp(zone: boolean): LogicalType {
    const digits = this.#next() === '(' ? (this.#numbers(1, 0, 9)[0] as number) : 6
    return { kind: 'timestamp', zone, digits }
  }

  #list(): LogicalType {
    this.#take('(')
    const of = this.#type()
    this.#take(')')
    return { kind: 'list', of }
  }

  #struct(): LogicalType {
    const fields: Field[] = []
    this.#take('(')
    do {
      const name = this.#fieldName()
      if (fields.some((field) => field.name === name)) throw invalid(this.where, `the struct has two fields "${name}"`)
      fields.push({ name, type: this.#type(), nullable: true })
    } while (this.#took(','))
    this.#take(')')
    return { kind: 'struct', fields }
  }

  #fieldName(): string {
    if (this.#next() !== '"') return this.#word()
    const quoted = this.#match(/^"(?:[^"\\]|\\.)*"/)
    try {
      return JSON.parse(quoted) as string
    } catch {
      throw this.#unreadable()
    }
  }

  #numbers(most: number, least: number, largest: number): number[] {
    const numbers: number[] = []
    this.#take('(')
    do {
      const digits = this.#match(/^\d+/)
      if (Number(digits) < least || Number(digits) > largest) {
        throw invalid(this.where, `${this.text} is out of range: ${digits} is not from ${least} to ${largest}`)
      }
      numbers.push(Number(digits))
    } while (numbers.length < most && this.#took(','))
    this.#take(')')
    return numbers
  }

  #word(): string {
    return this.#match(/^\w+/)
  }

  #match(pattern: RegExp): string {
    this.#next()
    const found = pattern.exec(this.text.slice(this.#at))?.[0]
    if (found === undefined) throw this.#unreadable()
    this.#at += found.length
    return found
  }

  /** The character that comes next, behind blanks; nothing at the end. */
  #next(): string {
    while (this.text.charAt(this.#at) === ' ') this.#at++
    return this.text.charAt(this.#at)
  }

  #took(character: string): boolean {
    if (this.#next() !== character) return false
    this.#at++
    return true
  }

  #take(character: string): void {
    if (!this.#took(character)) throw this.#unreadable()
  }

  #unreadable(): DroverError {
    const rest = this.text.slice(this.#at)
    const place = rest === '' ? 'ends too early' : `cannot be read from ${JSON.stringify(rest.slice(0, 20))} on`
    return invalid(
      this.where,
      `the type ${JSON.stringify(this.text)} ${place}; types look like int64, decimal(12,2) or list(text)`,
    )
  }
}
