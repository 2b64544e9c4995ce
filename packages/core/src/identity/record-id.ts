import { parse, v5 } from 'uuid'
import type { RecordKey } from '../contracts/page.js'

/** Namespace of all ids that Drover derives; fixed for ever, or a repeated run would write new ids. */
const namespace = parse('6f1d5e0a-3c55-4a3b-9d5b-0e6b1f0c7d21')

/** A row's deterministic id: a UUID (version 5) of its source record's whole key and its place among that record's rows. */
export function recordId(key: RecordKey): string {
  return v5(Buffer.from(JSON.stringify([...key.source, key.child])), namespace)
}
