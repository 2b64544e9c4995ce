import { DroverError, redactSecrets } from '@drover/core'
import type { Place } from './given.js'

/** What is wrong with a file, each with its place. They are said together: whoever mends one wants to know of the next. */
export class FileProblems {
  readonly #found: { readonly place: Place; readonly message: string }[] = []

  constructor(readonly path: string) {}

  add(place: Place, message: string): void {
    this.#found.push({ place, message })
  }

  get isEmpty(): boolean {
    return this.#found.length === 0
  }

  /** @throws `OPTION_INVALID` if there are any. */
  refuse(): void {
    if (this.isEmpty) return
    const inOrder = this.#found.toSorted((a, b) => a.place.line - b.place.line || a.place.column - b.place.column)
    const shown = inOrder.slice(0, most).map(({ place, message }) => this.said(place, message))
    const more = inOrder.length - shown.length
    if (more > 0) shown.push(`… and ${more} more`)
    throw new DroverError('OPTION_INVALID', shown.join('\n'))
  }

  /** One of them as an error of its own, for what cannot go on. */
  error(place: Place, message: string, cause?: unknown): DroverError {
    return new DroverError('OPTION_INVALID', this.said(place, message), { cause })
  }

  said({ line, column, flag }: Place, message: string): string {
    const [where, what] = [flag ?? `${this.path}:${line}:${column}`, redactSecrets(message)]
    const text = `${where}: ${what}`
    // Behind `/api_key:` the message itself would be taken for the secret.
    return redactSecrets(text) === text ? text : `${where} is wrong: ${what}`
  }
}

const most = 10
