import type { JsonValue, Operation } from '@drover/core'

/** An operation that nobody aborts. */
export function operation(): Operation {
  return { signal: new AbortController().signal }
}

/** What a value is after a store kept it as JSON. */
export function throughJson<T extends JsonValue>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}
