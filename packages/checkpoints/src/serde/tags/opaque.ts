import { base64Of } from './tag.js'

/** Counts the values that are carried as they are, because nobody here knows what they hold. */
export class OpaqueCount {
  readonly #counts = new Map<string, number>()

  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts)
  }

  /** What stands for such a value. */
  show(type: string, bytes: Uint8Array): object {
    this.add(type)
    return { $opaque: { type, base64: base64Of(bytes) } }
  }

  /** Counts one that is left as it is in another way. */
  add(type: string): void {
    this.#counts.set(type, (this.#counts.get(type) ?? 0) + 1)
  }
}
