import type { JsonValue } from '@drover/core'

/** One message of a chat history. Its key is `[session_id, order]`, or where a layout gives each message an id of its own `[order]`. */
export interface MessageRecord {
  readonly session_id: string
  /** Where the message stands: a number of the store that grows with each message, or its place in the session from 0. */
  readonly order: number | string
  /** `human`, `ai`, `system`, `tool`, `function`, `chat`, `remove`, or one of these with `Chunk`. */
  readonly type: string
  /** A text, or a list of texts and blocks. */
  readonly content: JsonValue
  /** Calls of tools by a message of the type `ai`; null where the message says nothing of them. */
  readonly tool_calls: JsonValue
  /** Instant of ISO 8601, or null where the layout has none. */
  readonly created_at: string | null
  /** When the store forgets it, for layouts that may; null if it never does. */
  readonly expires_at?: string | null
  /** The rest of the message, as it stands beside content and tool_calls: `id`, `name`, `additional_kwargs`, `response_metadata`, … */
  readonly data: Readonly<Record<string, JsonValue>>
}
