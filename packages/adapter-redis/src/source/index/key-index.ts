import { abortError, DroverError } from '@drover/core'
import { keySlot } from '../../connection/key-slot.js'
import { KeyArena } from './key-arena.js'
import { hashKey } from './key-hash.js'
import { highestHash, type KeyRange } from './key-range.js'
import { bucketOf, bucketSpan, type Layout } from './layout.js'
import { SortedKeys } from './sorted-keys.js'
import { SpillFile } from './spill-file.js'

const defaultMemoryBytes = 16 * 1024 * 1024
/** So much is sorted at once: small enough for nobody to wait, large enough for the disk. */
const groupBytes = 1024 * 1024

/** Keys that were laid out together, in memory or in the file. */
interface Segment {
  readonly layout: Layout
  readonly bytes: Buffer | null
  /** In the file. */
  readonly begin: number
}

export interface KeyIndexOptions {
  /** Of more than that a file is made. @default 16 MiB */
  readonly memoryBytes?: number | undefined
  /** Where. @default os.tmpdir() */
  readonly folder?: string | undefined
}

/**
 * Keys as they come, in any order and more than once; then, as often as wanted, in the order of (hash, bytes), each once. They are dealt out
 * into buckets by the upper bits of their hashes, as an external sort does: past a limit to a file without a name. A few buckets at a time are
 * sorted when they are read. So memory does not grow with the keys.
 */
export class KeyIndex implements AsyncDisposable {
  readonly #arena = new KeyArena()
  readonly #segments: Segment[] = []
  readonly #arenaBytes: number
  #out: Buffer | undefined
  #file: SpillFile | undefined
  #spilling: Promise<void> | undefined
  #writing: Promise<void> | undefined
  #total: number | undefined
  #closed: Promise<void> | undefined

  constructor(private readonly options: KeyIndexOptions = {}) {
    this.#arenaBytes = (options.memoryBytes ?? defaultMemoryBytes) / 2
  }

  /** Keys that came, those that came twice too. */
  get came(): number {
    return this.#segments.reduce((sum, { layout }) => sum + layout.count, this.#arena.count)
  }

  /** Whether a file was needed. */
  get isSpilled(): boolean {
    return this.#file !== undefined
  }

  /** Takes keys, which may be views of something larger; `await` what it returns before there are more. */
  add(keys: readonly Uint8Array[]): Promise<void> | undefined {
    for (const key of keys) this.#arena.add(key)
    return this.#arena.size >= this.#arenaBytes ? this.#spill() : undefined
  }

  /** As `add`, but without the keys that `leaves` says. Only if their bytes contain `mark` it is asked at all. */
  addMost(keys: readonly Uint8Array[], mark: Buffer, leaves: (key: Uint8Array) => boolean): Promise<void> | undefined {
    const before = this.#arena.count
    for (const key of keys) this.#arena.add(key)
    if (this.#arena.includes(mark, before)) {
      this.#arena.keep(before)
      for (const key of keys) if (!leaves(key)) this.#arena.add(key)
    }
    return this.#arena.size >= this.#arenaBytes ? this.#spill() : undefined
  }

  /** All keys have come; they can be read. */
  async finish(): Promise<void> {
    await this.#spilling
    await this.#writing
    const { layout, bytes } = this.#arena.layOut()
    if (layout.count > 0) this.#segments.push({ layout, bytes, begin: 0 })
    this.#arena.free()
    this.#out = undefined
  }

  /** How many different keys there are. */
  async count(signal: AbortSignal): Promise<number> {
    if (this.#total !== undefined) return this.#total
    let count = 0
    for await (const keys of this.#groups(0, highestHash, signal)) count += keys.count
    this.#total = count
    return count
  }

  /** Keys of the range in order, at most `most` at a time. They are views of memory that others are in, too. */
  async *read(range: KeyRange, most: number, signal: AbortSignal): AsyncGenerator<Buffer[], void, undefined> {
    const { slots, after } = range
    const last = range.hashes[1]
    const hashAfter = after === null ? -1 : hashKey(after)
    const first = Math.max(range.hashes[0], hashAfter)
    if (first > last) return
    const isIn = slots === null ? null : slotTest(slots)
    let chunk: Buffer[] = []
    for await (const keys of this.#groups(first, last, signal)) {
      for (let place = 0; place < keys.count; place++) {
        const hash = keys.hashAt(place)
        if (hash < first) continue
        if (hash > last) break
        const key = keys.keyAt(place)
        if (hash === hashAfter && after !== null && Buffer.compare(key, after) <= 0) continue
        if (isIn !== null && !isIn(key)) continue
        chunk.push(key)
        if (chunk.length < most) continue
        const full = chunk
        chunk = []
        yield full
        if (signal.aborted) throw abortError(signal)
      }
    }
    if (chunk.length > 0) yield chunk
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#arena.free()
    this.#segments.length = 0
    await this.#spilling?.catch(() => {}) // nobody needs it any more
    await this.#writing?.catch(() => {})
    await this.#file?.[Symbol.asyncDispose]()
  }

  /** Several may wait for the same: keys come from several servers. */
  #spill(): Promise<void> {
    this.#spilling ??= this.#layOut().finally(() => {
      this.#spilling = undefined
    })
    return this.#spilling
  }

  async #layOut(): Promise<void> {
    await this.#writing
    this.#file ??= await SpillFile.create(this.options.folder)
    const { layout, bytes } = this.#arena.layOut(this.#out)
    if (bytes.length > (this.#out?.length ?? 0)) this.#out = bytes
    const begin = this.#file.size
    this.#segments.push({ layout, bytes: null, begin })
    this.#writing = this.#file.append(bytes)
    this.#writing.catch(() => {}) // whoever comes next gets it
  }

  /** Buckets with hashes from `first` to `last`, some at a time, sorted; what is given is good until the next one is asked for. */
  async *#groups(first: number, last: number, signal: AbortSignal): AsyncGenerator<SortedKeys, void, undefined> {
    const sorted = new SortedKeys()
    const end = bucketOf(last) + 1
    for (let from = bucketOf(first); from < end; ) {
      if (signal.aborted) throw abortError(signal)
      // Never as if there were no more.
      if (this.#closed !== undefined) throw new DroverError('ABORTED', 'The source was closed while it was read.')
      let to = from
      let size = 0
      do size += this.#sizeOf(to++)
      while (to < end && size + this.#sizeOf(to) <= groupBytes)
      if (size > 0) {
        sorted.load(await this.#load(from, to, size), from * bucketSpan, (to - from) * bucketSpan)
        yield sorted
      }
      from = to
    }
  }

  #sizeOf(bucket: number): number {
    let size = 0
    for (const { layout } of this.#segments) {
      size += (layout.starts[bucket + 1] as number) - (layout.starts[bucket] as number)
    }
    return size
  }

  async #load(from: number, to: number, size: number): Promise<Buffer> {
    const loaded = Buffer.allocUnsafeSlow(size)
    const reads: Promise<void>[] = []
    let at = 0
    for (const { layout, bytes, begin } of this.#segments) {
      const start = layout.starts[from] as number
      const stop = layout.starts[to] as number
      if (start === stop) continue
      const part = loaded.subarray(at, at + stop - start)
      if (bytes !== null) part.set(bytes.subarray(start, stop))
      else if (this.#file !== undefined) reads.push(this.#file.read(part, begin + start))
      at += stop - start
    }
    await Promise.all(reads)
    return loaded
  }
}

function slotTest(slots: readonly (readonly [from: number, to: number])[]): (key: Uint8Array) => boolean {
  return (key) => {
    const slot = keySlot(key)
    return slots.some(([from, to]) => from <= slot && slot <= to)
  }
}
