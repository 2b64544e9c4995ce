import { DroverError, decodeJson, encodeJson, type Row, shown } from '@drover/core'
import type { MessageRecord } from '../../records/message-record.js'
import { isObject } from '../../serde/tags/tag.js'
import { contentText } from './checkpoint-text.js'

/** The payload of a message in unified memory: its fields, and the whole of it in `serialized`. */
export function messagePayload(message: MessageRecord): Row {
  const { session_id, order, type, content, tool_calls, created_at, data } = message
  return {
    session_id,
    thread_id: session_id,
    order,
    type,
    content,
    text: contentText(content),
    tool_calls,
    created_at,
    data,
    serialized: encodeJson({ type, content, tool_calls, created_at, data }),
  }
}

/** @throws `RECORD_UNREADABLE` */
export function messageOfPayload(payload: Row): MessageRecord {
  const { session_id, order, serialized } = payload
  const message = typeof serialized === 'string' ? parsed(serialized) : payload
  const { type, content, tool_calls = null, created_at = null, data = {} } = message
  if (typeof session_id !== 'string' || !isOrder(order) || typeof type !== 'string' || !isObject(data)) {
    const said = { session_id: shown(session_id), order: shown(order), type: shown(type) }
    throw unreadable(`its session_id is ${said.session_id}, its order ${said.order}, its type ${said.type}`)
  }
  if (typeof content !== 'string' && !Array.isArray(content)) throw unreadable(`its content is ${shown(content)}`)
  return { session_id, order, type, content, tool_calls, created_at, data } as MessageRecord
}

function parsed(text: string): Row {
  try {
    const value = decodeJson(text)
    if (isObject(value)) return value
  } catch (error) {
    throw unreadable(`its "serialized" is no JSON (${error instanceof Error ? error.message : String(error)})`)
  }
  throw unreadable('its "serialized" is not what Drover writes there')
}

function isOrder(order: unknown): order is number | string {
  return typeof order === 'number' || typeof order === 'string'
}

function unreadable(what: string): DroverError {
  return new DroverError('RECORD_UNREADABLE', `A message cannot be read: ${what}.`)
}
