import { createHash } from 'node:crypto'

/** A Lua script and its digest, by which servers know it. */
export interface Script {
  readonly text: string
  readonly digest: string
}

export function script(text: string): Script {
  return { text, digest: createHash('sha1').update(text).digest('hex') }
}
