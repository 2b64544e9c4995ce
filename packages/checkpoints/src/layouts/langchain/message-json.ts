import { DroverError, decodeJson, encodeJson, type JsonValue, shown } from '@drover/core'
import type { MessageRecord } from '../../records/message-record.js'

/** Types of messages that LangChain of Python or JavaScript reads; Python's chunks are called after their classes. */
export const messageTypes: readonly string[] = [
  'human',
  'ai',
  'system',
  'developer',
  'tool',
  'function',
  'chat',
  'generic',
  'remove',
  ...['Human', 'AI', 'System', 'Tool', 'Function', 'Chat'].map((name) => `${name}MessageChunk`),
]

/** What a store knows of a message besides what it holds. */
export type MessagePlace = Pick<MessageRecord, 'session_id' | 'order' | 'created_at'>

/**
 * Reads a message as the histories of LangChain keep it: `{"type": …, "data": {…}}`.
 *
 * @throws `RECORD_UNREADABLE`
 */
export function readStoredMessage(text: string, place: MessagePlace): MessageRecord {
  let stored: unknown
  try {
    stored = decodeJson(text, 'plain')
  } catch (error) {
    throw malformed(place, `it is no JSON (${error instanceof Error ? error.message : String(error)})`)
  }
  return messageOf(stored, place)
}

/**
 * The same of a message that was parsed.
 *
 * @throws `RECORD_UNREADABLE`
 */
export function messageOf(stored: unknown, place: MessagePlace): MessageRecord {
  if (!isObject(stored)) throw malformed(place, `it is ${shown(stored)}, and not an object with type and data`)
  const { type, data } = stored
  if (typeof type !== 'string') throw malformed(place, `its type is ${shown(type)}, and not a text`)
  if (!messageTypes.includes(type)) {
    throw malformed(place, `its type is ${shown(type)}; known are ${messageTypes.join(', ')}`)
  }
  if (!isObject(data)) throw malformed(place, `its data are ${shown(data)}, and not an object`)
  const { content, tool_calls = null, ...rest } = data
  if (!isContent(content)) {
    throw malformed(place, `its content is ${shown(content)}, and neither a text nor a list of texts and blocks`)
  }
  return {
    session_id: place.session_id,
    order: place.order,
    type,
    content,
    tool_calls,
    created_at: place.created_at,
    data: rest,
  }
}

/** The message as histories keep it, as JSON. Names within it keep no order. */
export function storedMessage(message: MessageRecord): string {
  return encodeJson({ type: message.type, data: storedData(message) }, { values: 'plain' })
}

/** What a message holds, as histories keep it. */
export function storedData({ content, tool_calls, data }: MessageRecord): Readonly<Record<string, JsonValue>> {
  return { content, ...data, ...(tool_calls === null ? {} : { tool_calls }) }
}

function isContent(content: unknown): content is JsonValue {
  if (typeof content === 'string') return true
  return Array.isArray(content) && content.every((part) => typeof part === 'string' || isObject(part))
}

function isObject(value: unknown): value is { readonly [name: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function malformed({ session_id, order }: MessagePlace, what: string): DroverError {
  return new DroverError(
    'RECORD_UNREADABLE',
    `Message ${order} of session ${shown(session_id)} cannot be read: ${what}. Repair it where it stands, or leave it out.`,
  )
}
