import { DroverError, redactSecrets } from '@drover/core'
import { UsageError } from '../exit-codes.js'
import type { OutputStream, Surroundings } from './surroundings.js'

/** How a command speaks: results on stdout, for people or as lines of JSON; all else on stderr. */
export class Voice {
  constructor(
    private readonly surroundings: Pick<Surroundings, 'stdout' | 'stderr'>,
    /** Lines of JSON on stdout instead of text. */
    readonly isJson: boolean,
  ) {}

  get stderr(): OutputStream {
    return this.surroundings.stderr
  }

  /** A result: as a text, or as a line of JSON. */
  tell(text: string, json: object): void {
    this.surroundings.stdout.write(this.isJson ? `${jsonLine(json)}\n` : text.endsWith('\n') ? text : `${text}\n`)
  }

  /** A line that only those get who asked for JSON. */
  tellJson(json: object): void {
    if (this.isJson) this.surroundings.stdout.write(`${jsonLine(json)}\n`)
  }

  /** Something for the person at the terminal. */
  note(text: string): void {
    // What is redrawn there stands in the way.
    const clear = this.stderr.isTTY === true ? '\r\u001b[2K' : ''
    this.stderr.write(`${clear}${redactSecrets(text)}\n`)
  }

  /** Why it failed. */
  fail(error: unknown): void {
    const cause = error instanceof UsageError ? error.cause : error
    const { code, message } = DroverError.from(cause, 'drover failed')
    const isUsage = error instanceof UsageError
    this.tellJson({ event: 'failed', code, message, usage: isUsage })
    this.note(`${colored(this.stderr, '31', isUsage ? 'drover:' : 'drover: failed:')} ${code}: ${message}`)
  }
}

/** In a colour, where that is wanted: NO_COLOR, FORCE_COLOR and TERM are looked at by Node itself. */
export function colored(stream: OutputStream, code: string, text: string): string {
  return stream.isTTY === true && stream.hasColors?.() === true ? `\u001b[${code}m${text}\u001b[39m` : text
}

/** JSON of what events and reports hold. */
export function jsonLine(value: object): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === 'bigint') {
      const number = Number(inner)
      return Number.isSafeInteger(number) ? number : String(inner)
    }
    return inner
  })
}
