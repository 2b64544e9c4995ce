import { DroverError, type FailureMeaning, redactSecrets } from '@drover/core'
import { phrases, statuses, strangers, systemErrors, systemPhrases } from './meanings.js'

/** What is known of the place of a failure. */
export interface FailurePlace {
  /** As what follows "while": `reading collection "notes" on localhost:6333`. */
  readonly doing: string
  /** A server that was never reached is more likely a mistyped host or port than a restart. @default false */
  readonly isFirst?: boolean
}

/** An answer that says no. */
export interface Refusal {
  readonly status: number
  /** What the body says. */
  readonly text: string
  readonly retryAfter?: string | undefined
  /** Where a redirect points to. */
  readonly location?: string | undefined
}

const known = new WeakMap<DroverError, number>()
const tooLarge = /^Payload error: .*(?:larger than allowed|exceeded limit)/i

/** The status of the answer that an error was made of, 413 for a request that is too large; undefined if there was none. */
export function statusOf(error: unknown): number | undefined {
  return DroverError.isInstance(error) ? known.get(error) : undefined
}

/** An answer that says no as a `DroverError`. */
export function answerError(answer: Refusal, { doing }: FailurePlace): DroverError {
  const { status, retryAfter, location } = answer
  const own = qdrantError(answer.text)
  const said = own ?? firstLine(answer.text)
  // Qdrant itself says 400 where a proxy says 413.
  const kind = tooLarge.test(said) ? 413 : status
  const meaning = meaningOf(kind, said, own !== undefined)
  const at = location === undefined ? '' : ` to ${location}`
  const message = sentences(`${failed(doing)} ${status}${at}${said === '' ? '' : `, ${said}`}`, meaning.remedy)
  const wait = meaning.retry === true ? milliseconds(retryAfter) : undefined
  const error = new DroverError(meaning.code, message, {
    isRetryable: meaning.retry === true,
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
  })
  known.set(error, kind)
  return error
}

/** A failure of the network, of undici or TLS as a `DroverError`. */
export function networkError(error: unknown, { doing, isFirst = false }: FailurePlace): DroverError {
  if (DroverError.isInstance(error)) return error
  const code = codeOf(error)
  const meaning = systemErrors[code] ?? systemPhrases.find(([phrase]) => phrase.test(code))?.[1]
  const message = sentences(`${failed(doing)} ${messageOf(error)}`, meaning?.remedy ?? '')
  if (meaning === undefined) return new DroverError('UNEXPECTED', message, { cause: error })
  return new DroverError(meaning.code, message, {
    cause: error,
    isRetryable: meaning.retry === true && !(isFirst && mistakes.has(code)),
  })
}

/** No answer came within the time that one may take. */
export function timeoutError(timeoutMs: number, { doing }: FailurePlace): DroverError {
  return new DroverError(
    'STORE_UNAVAILABLE',
    `${failed(doing)} it took longer than ${timeoutMs} ms. If the server is only slow, raise timeoutMs.`,
    { isRetryable: true },
  )
}

/** What answers is no Qdrant. */
export function strangerError(text: string, { doing }: FailurePlace): DroverError {
  const said = firstLine(text)
  return new DroverError(
    'OPTION_INVALID',
    `${failed(doing)} what answers there is no Qdrant${said === '' ? '' : `, it says ${JSON.stringify(said)}`}. Check url: host, port (6333 is Qdrant's) and path.`,
  )
}

const mistakes = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH'])

function meaningOf(status: number, said: string, isQdrant: boolean): FailureMeaning {
  const phrase = phrases.find(([pattern]) => pattern.test(said))?.[1]
  if (phrase !== undefined) return phrase
  const meaning = (isQdrant ? undefined : strangers[status]) ?? statuses[status]
  if (meaning !== undefined) return meaning
  return status >= 500 ? (statuses[500] as FailureMeaning) : { code: 'UNEXPECTED', remedy: '' }
}

/** `{"status":{"error":"…"}}`; undefined if it is something else. */
function qdrantError(text: string): string | undefined {
  try {
    const { status } = JSON.parse(text) as { readonly status?: { readonly error?: unknown } | string }
    const said = typeof status === 'object' ? status.error : undefined
    return typeof said === 'string' ? redactSecrets(said) : undefined
  } catch {
    return undefined
  }
}

const longest = 200

/** Of a page its title. */
function firstLine(text: string): string {
  const [, title = text] = /<title>([^<]*)<\/title>/i.exec(text) ?? []
  const [line = ''] = title.trim().split('\n')
  return redactSecrets(line.length > longest ? `${line.slice(0, longest)}…` : line).trim()
}

/** Seconds, or a date. */
function milliseconds(retryAfter: string | undefined): number | undefined {
  if (retryAfter === undefined || retryAfter === '') return undefined
  const seconds = Number(retryAfter)
  const wait = Number.isNaN(seconds) ? Date.parse(retryAfter) - Date.now() : seconds * 1000
  return Number.isNaN(wait) ? undefined : Math.max(0, Math.ceil(wait))
}

function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  return typeof code === 'string' ? code : ''
}

/** Node gives an error without a message when every address of a host was refused. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join(', ')
  return redactSecrets(error instanceof Error ? error.message.trim() : String(error))
}

function failed(doing: string): string {
  return `Qdrant failed while ${doing}:`
}

function sentences(said: string, remedy: string): string {
  const text = /[.!?]$/.test(said) ? said : `${said}.`
  return remedy === '' ? text : `${text} ${remedy}`
}
