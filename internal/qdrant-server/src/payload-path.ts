import { isObject, type Json, type JsonObject, put } from './json-scanner.js'
import { badBody } from './refusal.js'

/** A name, an index, or every item (`[]`). */
type Step = string | number | typeof everyItem
const everyItem = Symbol('[]')

/** A path in a payload, such as `a.b`, `a[0].c`, `a[].c`, `a."with.dot"`; the first step is a name. */
export type PayloadPath = readonly Step[]

const token = /(?:"([^"]*)"|([^.[\]"]+))|\[(\d*)\]/y

/** @throws Refusal */
export function payloadPath(text: Json | undefined): PayloadPath {
  const refused = () => badBody(`Invalid json path: '${String(text)}'`)
  if (typeof text !== 'string' || text === '') throw refused()
  const steps: Step[] = []
  token.lastIndex = 0
  for (let at = 0; at < text.length; at = token.lastIndex) {
    const found = token.exec(text)
    if (found === null || (found[3] !== undefined && steps.length === 0)) throw refused()
    if (found[3] === undefined) steps.push(found[1] ?? found[2] ?? '')
    else steps.push(found[3] === '' ? everyItem : Number(found[3]))
    if (text[token.lastIndex] !== '.') continue
    token.lastIndex++
    if (token.lastIndex === text.length || text[token.lastIndex] === '[') throw refused()
  }
  return steps
}

/** Every value that the path leads to. */
export function valuesAt(value: Json | undefined, path: PayloadPath): Json[] {
  const [step, ...rest] = path
  if (value === undefined) return []
  if (step === undefined) return [value]
  if (typeof step === 'string') return isObject(value) && Object.hasOwn(value, step) ? valuesAt(value[step], rest) : []
  if (!Array.isArray(value)) return []
  return step === everyItem ? value.flatMap((item) => valuesAt(item, rest)) : valuesAt(value[step], rest)
}

/** `a` as `a[]`: what `nested` looks into. */
export function itemsOf(path: PayloadPath): PayloadPath {
  return path.at(-1) === everyItem ? path : [...path, everyItem]
}

/** The payload with `fields` laid over what the path leads to; what is in the way is replaced. */
export function withFields(value: Json | undefined, path: PayloadPath, fields: JsonObject): Json {
  const [step, ...rest] = path
  if (step === undefined) return merged(isObject(value) ? value : {}, fields)
  if (typeof step === 'string') {
    const object: JsonObject = isObject(value) ? { ...value } : {}
    put(object, step, withFields(object[step], rest, fields))
    return object
  }
  if (!Array.isArray(value)) return []
  return value.map((item, at) => (step === everyItem || step === at ? withFields(item, rest, fields) : item))
}

/** As `merge_map` of the real one: a field that is set to null goes. */
function merged(object: JsonObject, fields: JsonObject): JsonObject {
  const all = { ...object }
  for (const [name, value] of Object.entries(fields)) {
    if (value === null) delete all[name]
    else put(all, name, value)
  }
  return all
}

export function without(value: Json, path: PayloadPath): Json {
  const [step, ...rest] = path
  if (typeof step === 'string') {
    if (!isObject(value) || !Object.hasOwn(value, step)) return value
    const object = { ...value }
    if (rest.length === 0) delete object[step]
    else put(object, step, without(object[step] ?? null, rest))
    return object
  }
  if (step === undefined || !Array.isArray(value)) return value
  if (rest.length === 0) return step === everyItem ? [] : value.filter((_, at) => at !== step)
  return value.map((item, at) => (step === everyItem || step === at ? without(item, rest) : item))
}

/** What `with_payload: [...]` leaves: values that a path leads to, with what is around them. */
export function only(payload: JsonObject, paths: readonly PayloadPath[]): JsonObject {
  return kept(payload, paths) as JsonObject
}

function kept(value: Json, paths: readonly PayloadPath[]): Json {
  if (paths.some((path) => path.length === 0)) return value
  if (isObject(value)) {
    const object: JsonObject = {}
    for (const [name, field] of Object.entries(value)) {
      const inner = paths.filter(([step]) => step === name).map((path) => path.slice(1))
      if (inner.length > 0) put(object, name, kept(field, inner))
    }
    return object
  }
  if (!Array.isArray(value)) return value
  return value.flatMap((item, at) => {
    const inner = paths.filter(([step]) => step === everyItem || step === at).map((path) => path.slice(1))
    return inner.length > 0 ? [kept(item, inner)] : []
  })
}
