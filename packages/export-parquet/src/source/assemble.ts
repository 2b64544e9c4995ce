import { type ColumnNode, type LeafNode, leavesOf } from './column-node.js'
import type { LeafRun } from './leaf-reader.js'
import { Unreadable } from './leaf-values.js'

/** The values of a column for the records of a page; `Unreadable` for what cannot be decoded. */
export function columnValues(
  node: ColumnNode,
  runs: ReadonlyMap<number, readonly LeafRun[]>,
  count: number,
): unknown[] {
  if (node.kind === 'leaf') return flatValues(node, runs.get(node.index) ?? [], count)
  const fault: Fault = { what: null }
  const cursors = new Map(
    leavesOf(node).map((leaf) => [leaf, new EntryCursor(runs.get(leaf.index) ?? [], leaf, fault)]),
  )
  const read = assembler(node, cursors)
  const values = Array.from({ length: count }, () => {
    fault.what = null
    const value = read()
    return fault.what ?? value
  })
  for (const cursor of cursors.values()) if (cursor.repetition >= 0) throw apart()
  return values
}

/** A value inside of a list or struct cannot be decoded: its record cannot, and the ones behind it can. */
interface Fault {
  what: Unreadable | null
}

function apart(): Error {
  return new Error('its columns end at different records')
}

function flatValues(leaf: LeafNode, runs: readonly LeafRun[], count: number): unknown[] {
  const values: unknown[] = new Array(count)
  let record = 0
  for (const { page, from, to, place } of runs) {
    const { definitions, value } = page
    if (definitions === null) {
      for (let i = place, end = place + to - from; i < end; i++) values[record++] = value(i)
      continue
    }
    let at = place
    for (let i = from; i < to; i++) values[record++] = definitions[i] === leaf.defined ? value(at++) : null
  }
  if (record !== count) throw new Error(`it has ${record} of ${count} values`)
  return values
}

type Read = () => unknown

function assembler(node: ColumnNode, cursors: ReadonlyMap<LeafNode, EntryCursor>): Read {
  const all = leavesOf(node).map((leaf) => cursors.get(leaf) as EntryCursor)
  const [first] = all
  if (first === undefined) throw new Error(`${node.name} has no columns`)
  const inner = innerAssembler(node, cursors, first, all)
  return () => {
    if (first.definition >= node.present) return inner()
    passOver(node, first, all)
    return null
  }
}

function innerAssembler(
  node: ColumnNode,
  cursors: ReadonlyMap<LeafNode, EntryCursor>,
  first: EntryCursor,
  all: readonly EntryCursor[],
): Read {
  if (node.kind === 'leaf') return () => first.value()
  if (node.kind === 'struct') {
    const fields = node.children.map((child) => ({ name: child.name, read: assembler(child, cursors) }))
    return () => {
      const made: Record<string, unknown> = {}
      for (const { name, read } of fields) setField(made, name, read())
      return made
    }
  }
  const item = assembler(node.item, cursors)
  return () => {
    if (first.definition < node.filled) {
      passOver(node, first, all)
      return []
    }
    const items: unknown[] = []
    do items.push(item())
    while (first.repetition === node.repeats)
    return items
  }
}

/** An entry without a value; DuckDB writes one for every item that a null of a fixed length would have. */
function passOver(node: ColumnNode, first: EntryCursor, all: readonly EntryCursor[]): void {
  do for (const cursor of all) cursor.advance()
  while (node.kind === 'list' && first.repetition >= node.repeats && first.definition < node.filled)
}

/** A field called `__proto__` is one as any other. */
export function setField(record: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__')
    Object.defineProperty(record, name, { value, enumerable: true, writable: true, configurable: true })
  else record[name] = value
}

/** Goes through the entries of a leaf. */
class EntryCursor {
  #run = 0
  #at = 0
  #place = 0

  constructor(
    private readonly runs: readonly LeafRun[],
    private readonly leaf: LeafNode,
    private readonly fault: Fault,
  ) {
    this.#enter()
  }

  /** Definition level of the entry that comes next. */
  get definition(): number {
    const run = this.runs[this.#run]
    if (run === undefined) throw apart()
    return run.page.definitions?.[this.#at] ?? this.leaf.defined
  }

  /** Repetition level of the entry that comes next; -1 behind the last one. */
  get repetition(): number {
    const run = this.runs[this.#run]
    return run === undefined ? -1 : (run.page.repetitions?.[this.#at] ?? 0)
  }

  /** The value of the next entry, or null. */
  value(): unknown {
    const run = this.runs[this.#run]
    if (run === undefined) throw apart()
    if (this.definition !== this.leaf.defined) {
      this.advance()
      return null
    }
    const value = run.page.value(this.#place)
    this.advance()
    if (!(value instanceof Unreadable)) return value
    this.fault.what ??= value
    return null
  }

  advance(): void {
    if (this.definition === this.leaf.defined) this.#place++
    this.#at++
    if (this.#at < (this.runs[this.#run]?.to ?? 0)) return
    this.#run++
    this.#enter()
  }

  #enter(): void {
    const run = this.runs[this.#run]
    this.#at = run?.from ?? 0
    this.#place = run?.place ?? 0
  }
}
