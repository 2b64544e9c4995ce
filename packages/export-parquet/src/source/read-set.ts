import { setImmediate as nextTurn } from 'node:timers/promises'
import { compileFilter, type Filter, type JsonValue, type ReadOptions } from '@drover/core'
import type { FileSet, OpenFile, SetFile } from './file-set.js'
import { hiveValue } from './hive-path.js'
import type { FileField } from './page-columns.js'
import type { ParquetPage } from './parquet-page.js'
import { cursorOf, rangeOf, resumeAt } from './place.js'
import { fieldsOf } from './push-down.js'
import { type GroupPart, readGroup } from './read-group.js'
import { retyped } from './restored-type.js'
import type { SetField } from './set-schema.js'

export type ReadSetOptions = Pick<ReadOptions, 'after' | 'page' | 'signal'> & {
  readonly bounds: JsonValue
  readonly filter?: Filter | undefined
  /** The fields of the records; those that the filter looks at are among those of the set. */
  readonly fields: readonly SetField[]
  readonly key: readonly string[]
}

/** Longest stretch, in milliseconds, on the event loop without letting others run. */
const sliceMs = 20

/** Gives the records of a part of the set, page by page. */
export async function* readSet(set: FileSet, options: ReadSetOptions): AsyncGenerator<ParquetPage> {
  const { signal, after, bounds } = options
  const range = rangeOf(set, bounds)
  const cursor = after === null ? null : cursorOf(after)
  const start = cursor === null ? range.first : resumeAt(set, range, cursor)
  let since = performance.now()
  for (let at = start.file; at < set.files.length && at <= range.end.file; at++) {
    const file = set.files[at] as SetFile
    const from = at === start.file ? start.group : 0
    const to = at === range.end.file ? range.end.group : file.groups.length
    if (from >= to) continue
    signal.throwIfAborted()
    await using opened = await set.openFile(file)
    const part = partOf(set, file, opened, options)
    const digest = set.digest(range.first.file, at + 1)
    const before = rowsIn(set.files.slice(0, at).flatMap(({ groups }) => groups))
    for (let group = from; group < to; group++) {
      const skip = cursor !== null && at === start.file && group === from ? cursor.row : 0
      const first = rowsIn(file.groups.slice(0, group))
      for await (const page of readGroup({ ...part, group, skip, first, before, digest }, options)) {
        yield page
        if (performance.now() - since <= sliceMs) continue
        await nextTurn()
        since = performance.now()
      }
    }
  }
}

/** What is the same for all row groups of a file. */
function partOf(
  { schema }: FileSet,
  file: SetFile,
  opened: OpenFile,
  { fields, filter, key }: ReadSetOptions,
): Pick<GroupPart, 'file' | 'opened' | 'fields' | 'filter' | 'key'> {
  const known = fileFields(file, opened, schema.fields)
  const asked = fields.flatMap(({ field }) => known.get(field.name) ?? [])
  if (filter === undefined) return { file, opened, fields: asked, filter: null, key }
  const looked = [...new Set(fieldsOf(filter))].flatMap((name) => known.get(name) ?? [])
  return { file, opened, fields: asked, filter: { filter, test: compileFilter(filter), fields: looked }, key }
}

/** Where each field of the records comes from in this file. */
function fileFields(file: SetFile, { footer }: OpenFile, fields: readonly SetField[]): Map<string, FileField> {
  const nodes = new Map(footer.columns.map((node) => [node.name, node]))
  return new Map(
    fields.map(({ field: { name, type }, isFolder }): [string, FileField] => {
      if (isFolder) {
        const constant = hiveValue(file.partition.get(name) ?? null, type, `${file.path}: column "${name}"`)
        return [name, { name, node: null, constant }]
      }
      const node = nodes.get(name)
      return [name, { name, node: node === undefined ? null : retyped(node, type), constant: null }]
    }),
  )
}

function rowsIn(groups: readonly { readonly rows: number }[]): number {
  return groups.reduce((sum, { rows }) => sum + rows, 0)
}
