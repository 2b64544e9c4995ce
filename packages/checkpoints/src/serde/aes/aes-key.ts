import { DroverError } from '@drover/core'

const sizes = [16, 24, 32]

/**
 * A key as bytes. A text of 16, 24 or 32 bytes is the key, as LangGraph takes `LANGGRAPH_AES_KEY`; any other text is base64, also behind `base64:`.
 *
 * @throws `OPTION_INVALID`, without the key
 */
export function aesKeyOf(key: string | Uint8Array): Buffer {
  const bytes = typeof key === 'string' ? bytesOf(key) : Buffer.from(key)
  if (sizes.includes(bytes.length)) return bytes
  throw new DroverError(
    'OPTION_INVALID',
    `keys: a key of AES has 16, 24 or 32 bytes, and aes has ${bytes.length}. Give it as a text of so many bytes, or as base64.`,
  )
}

function bytesOf(key: string): Buffer {
  if (key.startsWith('base64:')) return Buffer.from(key.slice('base64:'.length), 'base64')
  const text = Buffer.from(key)
  return sizes.includes(text.length) ? text : Buffer.from(key, 'base64')
}
