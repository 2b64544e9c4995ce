import { checkOptionNames } from '@drover/core'
import { aesKeyOf } from './aes/aes-key.js'

/** What encrypted values are opened with. */
export interface SerdeKeys {
  /**
   * The key of LangGraph's `EncryptedSerializer` (types that end in `+aes`): 16, 24 or 32 bytes, or a text of as many, as in `LANGGRAPH_AES_KEY`; any other
   * text is base64, also behind `base64:`.
   */
  readonly aes?: string | Uint8Array
}

/** @throws `OPTION_INVALID`, without the key */
export function checkKeys(where: string, keys: SerdeKeys): void {
  checkOptionNames(`${where}: keys`, keys, ['aes'])
  if (keys.aes !== undefined) aesKeyOf(keys.aes)
}
