import type { CommandLine } from '@drover/adapter-redis'
import { abortError, type Operation } from '@drover/core'
import type { Detector } from '../../detect/detector.js'
import type { LayoutFinding, LayoutName, LayoutOptions } from '../layout.js'
import { defaultKeyPrefix } from './checkpoint-keys.js'
import { kindOf } from './checkpoint-kind.js'
import { type DocumentForm, RedisReader } from './redis-reader.js'
import { isObject, type Members, membersOf } from './stored-document.js'

/** What the libraries call their keys. */
const prefixes = ['message_store:', 'chat:', defaultKeyPrefix] as const

/** Keys that are looked at for each prefix. */
const samples = 64

/** Finds the layouts that a Redis holds: by what its keys are called, of which type they are, and what is in some of them. */
export const detectRedis: Detector = (options, operation) => detectIn(options, operation, 'json')

/** @param form How documents lie in the store: other than the default in tests alone. */
export async function detectIn(
  options: LayoutOptions,
  operation: Operation,
  form: DocumentForm,
): Promise<readonly LayoutFinding[]> {
  await using reader = await RedisReader.open('langchain-redis-list', options, form, operation)
  const { keyPrefix } = options
  const sought = keyPrefix === undefined ? prefixes : [keyPrefix]
  const found = await reader.sample(sought, samples, operation)
  const findings: LayoutFinding[] = []
  for (const [prefix, keys] of found) {
    if (operation.signal.aborted) throw abortError(operation.signal)
    for (const finding of await findingsOf(reader, prefix, keys, operation)) {
      const isUsual = keyPrefix === undefined && prefix === usualPrefixOf(finding.layout)
      findings.push(isUsual ? finding : { ...finding, options: { keyPrefix: prefix } })
    }
  }
  return findings
}

/** The prefix that a layout is read by if nobody names another one. */
function usualPrefixOf(layout: LayoutName): string {
  if (layout === 'langchain-redis-list') return 'message_store:'
  return layout === 'langchain-redis-json' ? 'chat:' : defaultKeyPrefix
}

async function findingsOf(
  reader: RedisReader,
  prefix: string,
  keys: readonly string[],
  operation: Operation,
): Promise<readonly LayoutFinding[]> {
  const where = `keys "${prefix}*"`
  const types = await reader.ask(
    keys.map((key): CommandLine => ['TYPE', key]),
    operation,
  )
  const ofType = (wanted: string) => keys.filter((_, i) => String(types[i]) === wanted)
  const layouts = new Set<LayoutName>()
  if (await holdsMessages(reader, ofType('list'), operation)) layouts.add('langchain-redis-list')
  for (const text of await reader.documents(ofType(reader.documentType), operation)) {
    const layout = text === null ? undefined : layoutOf(text)
    if (layout !== undefined) layouts.add(layout)
  }
  if (layouts.size > 0) return [...layouts].sort().map((layout) => ({ layout, where }))
  const others = [...new Set(types.map(String))].filter((type) => type !== 'none').sort()
  if (others.length === 0) return []
  const layout =
    prefix === 'message_store:'
      ? 'langchain-redis-list'
      : prefix === 'chat:'
        ? 'langchain-redis-json'
        : 'langgraph-redis'
  const problem = `they are of the type ${others.join(', ')}, and hold nothing that this version knows: name another prefix with keyPrefix, or read them as they are`
  return [{ layout, where, problem }]
}

async function holdsMessages(reader: RedisReader, lists: readonly string[], operation: Operation): Promise<boolean> {
  const items = await reader.ask(
    lists.map((key): CommandLine => ['LINDEX', key, 0]),
    operation,
  )
  return items.some((item) => {
    const stored = Buffer.isBuffer(item) ? parsed(item.toString()) : undefined
    return isObject(stored) && typeof stored.type === 'string' && isObject(stored.data)
  })
}

/** Undefined if it is a document of something else. */
function layoutOf(text: string): LayoutName | undefined {
  const document = parsed(text)
  if (!isObject(document)) return undefined
  if (typeof document.session_id === 'string' && typeof document.type === 'string' && isObject(document.data)) {
    return 'langchain-redis-json'
  }
  if (typeof document.thread_id !== 'string' || document.checkpoint === undefined) return undefined
  const members: Members = membersOf(text)
  return kindOf(members)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
