import { DroverError, type JsonValue, type Row, shown } from '@drover/core'
import type { MessageRecord } from '../../records/message-record.js'
import { isObject } from '../../serde/tags/tag.js'
import { contentText } from './checkpoint-text.js'

/** What the type of a record is that is a document, and no message. */
export const documentType = 'document'

/** Where the metadata of a document hold what a message has besides. */
const dataName = 'message_data'

/**
 * A message as LangChain's vector store keeps it: the text in `page_content`, which is what is embedded and found, and the rest in
 * `metadata`. A document is what it was.
 */
export function documentPayload(message: MessageRecord): Row {
  const { session_id, order, type, content, tool_calls, created_at, data } = message
  if (type === documentType) return { page_content: contentText(content), metadata: data }
  return {
    page_content: contentText(content),
    metadata: {
      session_id,
      order,
      type,
      ...(typeof content === 'string' ? {} : { content }),
      tool_calls,
      created_at,
      [dataName]: data,
    },
  }
}

/**
 * The message that a document is, if {@link documentPayload} made it of one. A document of somebody else has the type `document`, its point's id as `order`,
 * its metadata as `data`, and the session that these name, if they name one.
 *
 * @throws `RECORD_UNREADABLE`
 */
export function messageOfDocument(payload: Row, pointId: string): MessageRecord {
  const { page_content, metadata = null } = payload
  if (typeof page_content !== 'string') throw unreadable(pointId, `its page_content is ${shown(page_content)}`)
  if (metadata !== null && !isObject(metadata)) throw unreadable(pointId, `its metadata are ${shown(metadata)}`)
  const said = metadata as Readonly<Record<string, JsonValue>> | null
  const session_id = typeof said?.session_id === 'string' ? said.session_id : ''
  const data = said?.[dataName]
  if (!isObject(data)) {
    const nothing = { tool_calls: null, created_at: null }
    return { session_id, order: pointId, type: documentType, content: page_content, ...nothing, data: said ?? {} }
  }
  const { order, type, content = page_content, tool_calls = null, created_at = null } = said as Row
  if ((typeof order !== 'string' && typeof order !== 'number') || typeof type !== 'string') {
    throw unreadable(pointId, `its metadata say order ${shown(order)} and type ${shown(type)}`)
  }
  return { session_id, order, type, content, tool_calls, created_at, data } as MessageRecord
}

function unreadable(pointId: string, what: string): DroverError {
  return new DroverError('RECORD_UNREADABLE', `The document of point ${pointId} cannot be read: ${what}.`)
}
