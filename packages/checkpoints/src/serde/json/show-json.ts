import { encodeJson } from '@drover/core'
import { messageType } from '../tags/message-type.js'
import { calledWith, calledWithFields, calledWithOne } from '../tags/named-tags.js'
import type { OpaqueCount } from '../tags/opaque.js'
import { dictTag, fieldsTag, floatTag, isObject, looksTagged, type Tag, typeName } from '../tags/tag.js'
import { deepest, TooDeep } from '../unreadable.js'
import { oddNumberOf, parseJson } from './parse-json.js'

type Fields = Readonly<Record<string, unknown>>

/** One value in JSON as tagged JSON, with the envelopes of LangChain and LangGraph, and the markers of LangGraph's Redis savers. @throws Unreadable */
export function showJson(bytes: Uint8Array): unknown {
  return show(parseJson(bytes), 0)
}

/** The same for a value that was parsed already; one that is too deep to be shown stays opaque. */
export function showParsed(value: unknown, opaque: OpaqueCount): unknown {
  try {
    return show(value, 0)
  } catch (error) {
    if (!(error instanceof TooDeep)) throw error
    return opaque.show('json', Buffer.from(encodeJson(value)))
  }
}

function show(value: unknown, depth: number): unknown {
  if (typeof value === 'number') {
    return Number.isFinite(value) && (value !== 0 || 1 / value > 0) ? value : floatTag(value)
  }
  if (typeof value !== 'object' || value === null) return value
  if (depth >= deepest) throw new TooDeep()
  if (Array.isArray(value)) return value.map((one) => show(one, depth + 1))
  const odd = oddNumberOf(value)
  return odd === undefined ? showObject(value as Fields, depth) : floatTag(odd)
}

function showObject(value: Fields, depth: number): unknown {
  // Never assigned one by one: a name may be `__proto__`.
  const fields: Fields = Object.fromEntries(Object.entries(value).map(([name, one]) => [name, show(one, depth + 1)]))
  const tag = 'lc' in fields ? envelope(fields) : marker(fields)
  if (tag !== undefined) return tag
  return looksTagged(fields) ? dictTag(Object.entries(fields)) : fields
}

/** `lc: 1` is written by LangChain, `lc: 2` by LangGraph's serialisers; undefined for what is neither, and stays as it is. */
function envelope(fields: Fields): Tag | undefined {
  const { lc, type, id } = fields
  if (lc === 2 && type === 'undefined') return { $type: 'undefined' }
  if (lc === 2 && type === 'delta_snapshot' && 'value' in fields) return deltaSnapshot(fields.value)
  if ((lc !== 1 && lc !== 2) || !isPath(id)) return undefined
  const module = id.slice(0, -1).join('.')
  const name = id.at(-1) as string
  if (type === 'secret' || type === 'not_implemented') {
    const { lc: _, type: __, id: ___, ...rest } = fields
    return { $type: `lc.${type}`, id, ...rest }
  }
  if (type !== 'constructor') return undefined
  return id.length === 1 && lc === 2
    ? (javaScriptTag(name, fields) ?? construct(module, name, fields))
    : construct(module, name, fields)
}

function construct(module: string, name: string, { args, kwargs }: Fields): Tag {
  const given = Array.isArray(args) && args.length > 0 ? args : undefined
  const named = isObject(kwargs) && Object.keys(kwargs).length > 0 ? kwargs : undefined
  if (given === undefined) {
    const type = messageType(module, name)
    return calledWithFields(module, name, type === undefined ? (named ?? {}) : { type, ...named })
  }
  if (named !== undefined) return { $type: typeName(module, name), args: given, kwargs: named }
  return given.length === 1 ? calledWithOne(module, name, given[0]) : calledWith(module, name, given)
}

/** What LangGraph's serialiser for JavaScript makes of values that JSON does not have. */
function javaScriptTag(name: string, { args }: Fields): Tag | undefined {
  if (!Array.isArray(args)) return undefined
  const [first, second] = args
  switch (name) {
    case 'Set':
      return Array.isArray(first) ? { $type: 'Set', value: first } : undefined
    case 'Map':
      return Array.isArray(first) ? { $type: 'Map', items: first } : undefined
    case 'RegExp':
      return { $type: 'RegExp', source: first, flags: second }
    case 'Error':
      return { $type: 'Error', message: first }
    case 'Uint8Array':
      return isByteList(first) ? { $type: 'Uint8Array', base64: Buffer.from(first).toString('base64') } : undefined
    default:
      return undefined
  }
}

/** Markers of LangGraph's Redis saver for Python, each an object of exactly these names. */
function marker(fields: Fields): Tag | undefined {
  if (typeof fields.__bytes__ === 'string') {
    return hasOnly(fields, '__bytes__') ? { $type: 'bytes', base64: fields.__bytes__ } : undefined
  }
  if (fields.__send__ === true) {
    const { node, arg } = fields
    return hasOnly(fields, '__send__', 'node', 'arg') ? { $type: 'langgraph.types.Send', node, arg } : undefined
  }
  if (fields.__interrupt__ === true && 'value' in fields) {
    const { __interrupt__: _, ...rest } = fields
    return fieldsTag('langgraph.types.Interrupt', rest)
  }
  if (fields.__delta_snapshot__ === true && hasOnly(fields, '__delta_snapshot__', 'value')) {
    return deltaSnapshot(fields.value)
  }
  return undefined
}

function deltaSnapshot(value: unknown): Tag {
  return { $type: 'langgraph.checkpoint.serde.types._DeltaSnapshot', value }
}

function hasOnly(fields: Fields, ...names: readonly string[]): boolean {
  return Object.keys(fields).length === names.length && names.every((name) => name in fields)
}

function isPath(id: unknown): id is readonly string[] {
  return Array.isArray(id) && id.length > 0 && id.every((part) => typeof part === 'string')
}

function isByteList(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255)
}
