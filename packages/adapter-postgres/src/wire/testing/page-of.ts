import type { CodecOptions } from '../codec-for.js'
import { CopyFramer } from '../copy-framer.js'
import { CopyLayout } from '../copy-layout.js'
import { CopyPage } from '../copy-page.js'
import type { WireColumn } from '../wire-type.js'

/** All rows of a COPY binary stream as one page, whose key is its first column. */
export function pageOf(stream: Uint8Array, columns: readonly WireColumn[], options: CodecOptions = {}): CopyPage {
  const where = 'table "t"'
  const framer = new CopyFramer({
    columns: columns.length,
    records: Number.MAX_SAFE_INTEGER,
    bytes: Number.MAX_SAFE_INTEGER,
    where,
  })
  framer.push(stream)
  const layout = new CopyLayout(columns, { ...options, where, key: columns.slice(0, 1).map(({ name }) => name) })
  return new CopyPage(layout, framer.end(), 0)
}
