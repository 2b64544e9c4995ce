/** More than that are only said to be more. */
const most = 10_000

/** Keys of Drover's own that a scan came by, each counted once. */
export class OwnKeys {
  readonly #seen = new Set<string>()
  #example: Buffer | undefined

  add(key: Uint8Array): void {
    this.#example ??= Buffer.from(key)
    if (this.#seen.size < most) this.#seen.add(Buffer.from(key).toString('latin1'))
  }

  get count(): number {
    return this.#seen.size
  }

  get isMore(): boolean {
    return this.#seen.size === most
  }

  get example(): Buffer | undefined {
    return this.#example
  }
}
