import { readFileSync } from 'node:fs'
import { decodeJson } from '@drover/core'
import type { StoredValue } from '../../records/stored-value.js'

/** What Python's libraries wrote, see fixtures/serde/README.md. */
export function fixture<T>(name: string): T[] {
  const text = readFileSync(new URL(`../../../fixtures/serde/${name}.json`, import.meta.url), 'utf8')
  return decodeJson(text, 'plain') as T[]
}

export function storedOf({ type, base64 }: { readonly type: string; readonly base64: string }): StoredValue {
  return { type, bytes: type === 'null' ? null : new Uint8Array(Buffer.from(base64, 'base64')) }
}
