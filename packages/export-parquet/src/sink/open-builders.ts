import type { RowGroupBuilder } from '../columns/row-group-builder.js'

/** Builders that are empty keep their memory for the next folder: so many of them. */
const mostSpare = 2

/** Builders without rows, for whoever needs one: their buffers are grown already. */
export class SpareBuilders {
  readonly #spare: RowGroupBuilder[] = []

  constructor(private readonly create: () => RowGroupBuilder) {}

  take(): RowGroupBuilder {
    return this.#spare.pop() ?? this.create()
  }

  giveBack(builder: RowGroupBuilder): void {
    builder.clear()
    if (this.#spare.length < mostSpare) this.#spare.push(builder)
  }
}

/** A builder of a folder's rows. */
export interface OpenBuilder {
  readonly builder: RowGroupBuilder
  /** So many of its rows, the first ones, stand in the journal. */
  journaled: number
  /** What these take. */
  journaledBytes: number
}

/** Builders of the folders that were written to last. One whose rows all stand in the journal can be let go, and nothing is lost. */
export class OpenBuilders {
  /** The least recently used first. */
  readonly #open = new Map<string, OpenBuilder>()

  constructor(
    private readonly spare: SpareBuilders,
    private readonly most: number,
  ) {}

  /** Bytes of all rows in them. */
  get bytes(): number {
    let bytes = 0
    for (const { builder } of this.#open.values()) bytes += builder.bytes
    return bytes
  }

  find(folder: string): OpenBuilder | undefined {
    return this.#open.get(folder)
  }

  /** The builder of a folder; an empty one if it had none. */
  open(folder: string): OpenBuilder {
    const open = this.#open.get(folder) ?? { builder: this.#another(), journaled: 0, journaledBytes: 0 }
    this.#open.delete(folder)
    this.#open.set(folder, open)
    return open
  }

  letGo(folder: string): void {
    const open = this.#open.get(folder)
    if (open === undefined) return
    this.#open.delete(folder)
    this.spare.giveBack(open.builder)
  }

  /** Lets the least recently used go until the others hold no more than that. */
  shrinkTo(bytes: number): void {
    let held = this.bytes
    for (const [folder, { builder }] of [...this.#open]) {
      if (held <= bytes) return
      held -= builder.bytes
      this.letGo(folder)
    }
  }

  #another(): RowGroupBuilder {
    while (this.#open.size >= this.most) {
      const [oldest] = this.#open.keys()
      this.letGo(oldest as string)
    }
    return this.spare.take()
  }
}
