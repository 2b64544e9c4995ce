import { isObject } from '../../serde/tags/tag.js'

/** What a checkpoint says, for who reads or searches: as far as it holds messages. */
export interface CheckpointText {
  /** Of the channel `summary`; null if there is none. */
  readonly summary: string | null
  readonly messages: readonly string[]
}

/** Characters of a text that is embedded at the most: of a long history the end, which models still take. */
const longest = 8_000

/**
 * Texts of the channels `messages` and `summary`.
 *
 * @param channels As `readValue` shows them.
 */
export function checkpointText(channels: Readonly<Record<string, unknown>>): CheckpointText {
  const { messages, summary } = channels
  return {
    summary: typeof summary === 'string' && summary !== '' ? summary : null,
    messages: Array.isArray(messages) ? messages.flatMap(messageLine) : [],
  }
}

/** What is embedded; empty if nothing is said. */
export function textToEmbed({ summary, messages }: CheckpointText): string {
  const text = messages.join('\n')
  return [...(summary === null ? [] : [summary]), text.slice(-longest)].join('\n').trim()
}

/** The texts of a message's content: of blocks, those that have one. */
export function contentText(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  const texts = content.map((block) => (isObject(block) ? block.text : block))
  return texts.filter((text) => typeof text === 'string').join('\n')
}

function messageLine(message: unknown): string[] {
  if (!isObject(message)) return []
  const { type, role } = message
  const text = contentText(message.content)
  const by = typeof type === 'string' ? type : role
  return [typeof by === 'string' ? `${by}: ${text}` : text]
}
