import { statSync } from 'node:fs'
import { DroverError } from '@drover/core'

/**
 * The file that a connection has open. One that is deleted or replaced goes on to be written to: in WAL mode SQLite does not
 * notice, and everything that is committed is gone with it.
 */
export class OpenFile {
  readonly #id: string | null

  constructor(
    private readonly path: string,
    private readonly name: string,
  ) {
    this.#id = idOf(path)
  }

  /** @throws `STORE_UNAVAILABLE` if another file stands there, or none. */
  check(cause?: unknown): void {
    if (this.#id === null || idOf(this.path) === this.#id) return
    throw new DroverError(
      'STORE_UNAVAILABLE',
      `"${this.name}" was deleted or replaced while it was open; the batch was not committed. Let nobody move the file while it is written to, and run again.`,
      cause === undefined ? {} : { cause },
    )
  }
}

/** Null where there is none. */
function idOf(path: string): string | null {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found === undefined ? null : `${found.dev} ${found.ino}`
}
