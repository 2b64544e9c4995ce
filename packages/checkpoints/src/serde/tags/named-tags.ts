import { fieldsTag, isObject, type Tag, typeName } from './tag.js'

/**
 * What stands for a value that is to be made by calling something by its name: `module.name(arg)`. Nothing is called; types that every program has are
 * shown as a person writes them.
 */
export function calledWithOne(module: string, name: string, arg: unknown): Tag {
  const type = typeName(module, name)
  if (type === 'uuid.UUID' && typeof arg === 'string') return { $type: type, value: dashed(arg) }
  return { $type: type, value: arg }
}

/** `module.name(*args)` */
export function calledWith(module: string, name: string, args: unknown): Tag {
  const type = typeName(module, name)
  if (!Array.isArray(args)) return { $type: type, args }
  return (special.get(type) ?? (module.startsWith('pathlib') ? path : undefined))?.(type, args) ?? { $type: type, args }
}

/** `module.name(**fields)` */
export function calledWithFields(module: string, name: string, fields: unknown): Tag {
  const type = typeName(module, name)
  if (type === 'datetime.time' && isObject(fields)) return clockTime(type, fields) ?? fieldsTag(type, fields)
  return isObject(fields) ? fieldsTag(type, fields) : { $type: type, fields }
}

/** `module.name.method(arg)` */
export function calledMethod(module: string, name: string, arg: unknown, method: string): Tag {
  const type = typeName(module, name)
  return method === 'fromisoformat' ? { $type: type, value: arg } : { $type: type, method, value: arg }
}

type Special = (type: string, args: readonly unknown[]) => Tag | undefined

const special: ReadonlyMap<string, Special> = new Map(
  Object.entries<Special>({
    'datetime.date': (type, [year, month, day]) => {
      if (!areWhole(year, month, day)) return undefined
      return { $type: type, value: `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}` }
    },
    'datetime.timedelta': (type, args) => {
      const [days, seconds, microseconds] = args
      return args.length === 3 && areWhole(days, seconds, microseconds)
        ? { $type: type, days, seconds, microseconds }
        : undefined
    },
    'langgraph.types.Send': (type, args) => {
      const [node, arg, timeout] = args
      if (args.length === 2) return { $type: type, node, arg }
      return args.length === 3 ? { $type: type, node, arg, timeout } : undefined
    },
  }),
)

function path(type: string, parts: readonly unknown[]): Tag | undefined {
  if (!parts.every((part) => typeof part === 'string')) return undefined
  const separator = type.includes('Windows') ? '\\' : '/'
  const [first = '.', ...rest] = parts
  // The first part of an absolute path ends in its separator.
  return { $type: type, value: first.endsWith(separator) ? first + rest.join(separator) : parts.join(separator) || '.' }
}

function clockTime(type: string, { hour, minute, second, microsecond, tzinfo, fold }: Record<string, unknown>) {
  if (tzinfo !== null || fold !== 0 || !areWhole(hour, minute, second, microsecond)) return undefined
  const fraction = microsecond === 0 ? '' : `.${digits(microsecond, 6)}`
  return { $type: type, value: `${digits(hour, 2)}:${digits(minute, 2)}:${digits(second, 2)}${fraction}` }
}

function areWhole(...values: readonly unknown[]): boolean {
  return values.every((value) => Number.isInteger(value))
}

function digits(value: unknown, length: number): string {
  return String(value).padStart(length, '0')
}

/** Python gives a UUID's 32 digits. */
function dashed(hex: string): string {
  return hex.replace(/^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/i, '$1-$2-$3-$4-$5')
}
