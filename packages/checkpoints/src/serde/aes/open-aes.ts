import { Unreadable } from '../unreadable.js'
import { aesKeyOf } from './aes-key.js'
import { openEax } from './eax.js'

const nonceBytes = 16
const tagBytes = 16

/** What LangGraph's `EncryptedSerializer` has sealed: nonce, tag and the sealed bytes. @throws Unreadable, `OPTION_INVALID` */
export function openAes(bytes: Uint8Array, key: string | Uint8Array): Buffer {
  if (bytes.length < nonceBytes + tagBytes)
    throw new Unreadable('it ends within the nonce and tag of AES', bytes.length)
  const nonce = bytes.subarray(0, nonceBytes)
  const tag = bytes.subarray(nonceBytes, nonceBytes + tagBytes)
  const opened = openEax(aesKeyOf(key), nonce, tag, bytes.subarray(nonceBytes + tagBytes))
  if (opened === null) throw new Unreadable('the key given does not fit, or bytes were changed', nonceBytes)
  return opened
}
