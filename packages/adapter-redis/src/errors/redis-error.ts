import { DroverError, redactSecrets } from '@drover/core'
import { answers, type Meaning, phrases, redirected, systemErrors } from './meanings.js'

/** What is known of the place of a failure. */
export interface FailurePlace {
  /** The cluster is known as one: a redirect is no mistake. @default false */
  readonly isCluster?: boolean
  /** A server that was never reached is more likely a mistyped host or port than a restart. @default false */
  readonly isFirst?: boolean
  /** A sentence for the end of the message: what may be mistaken, where it was never reached. */
  readonly hint?: string | undefined
}

/**
 * A failure of the server, of ioredis or the network as a `DroverError`.
 *
 * @param doing What was being done, with the key and server: `reading key "a" on cache.example.org:6379`.
 */
export function redisError(error: unknown, doing: string, place: FailurePlace = {}): DroverError {
  if (DroverError.isInstance(error)) return error
  const cause = withoutArguments(error)
  const meaning = meaningOf(error, place.isCluster === true)
  const parts = [`Redis failed while ${doing}: ${said(error)}`, meaning?.remedy, place.hint]
  const message = parts.flatMap((part) => (part === undefined || part === '' ? [] : [asSentence(part)])).join(' ')
  if (meaning === undefined) return new DroverError('UNEXPECTED', message, { cause })
  const isMistake =
    place.isFirst === true &&
    (mistakes.has(codeOf(error)) || place.hint !== undefined || /All sentinels/.test(messageOf(error)))
  return new DroverError(meaning.code, message, {
    cause,
    isRetryable: meaning.retry === true && !isMistake,
    ...(meaning.retryAfterMs === undefined ? {} : { retryAfterMs: meaning.retryAfterMs }),
  })
}

/** Whether the server answered with this error, so that the connection is well. */
export function isAnswer(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError'
}

/** The word by which a server says what kind of error it is: `WRONGTYPE`; empty if it is not an answer. Of scripts the word of the command that failed. */
export function answerCode(error: unknown): string {
  if (!isAnswer(error)) return ''
  const [, first = ''] = /^([A-Z]{2,})\b/.exec(error.message) ?? []
  // Before Redis 7: "ERR Error running script (call to f_…): @user_script:3: @user_script: 3: -OOM command not allowed when …"
  if (first === 'ERR') return /Error running script.*?-([A-Z]{2,})\b/.exec(error.message)?.[1] ?? first
  return first
}

/** How ioredis says it, who would try again. */
const lost = /max retries per request|Stream isn't writeable|due to connection close/

const mistakes = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOENT'])

function meaningOf(error: unknown, isCluster: boolean): Meaning | undefined {
  const word = answerCode(error)
  if (isCluster && (word === 'MOVED' || word === 'ASK')) return redirected
  return answers[word] ?? systemErrors[codeOf(error)] ?? phrases.find(([phrase]) => phrase.test(messageOf(error)))?.[1]
}

function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  return typeof code === 'string' ? code : ''
}

/** What a server does not know it repeats with its arguments, which may be a password. */
function said(error: unknown): string {
  if (lost.test(messageOf(error))) return 'the connection was lost'
  return redactSecrets(messageOf(error).replace(/,? with args beginning with:.*$/s, ''))
}

/** Node gives an error without a message when every address of a host was refused. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join(', ')
  return error instanceof Error ? error.message : String(error)
}

/** ioredis adds the command to an error, with all its arguments: passwords, or megabytes of values. */
function withoutArguments(error: unknown): unknown {
  if (typeof error !== 'object' || error === null || !('command' in error)) return error
  const { command } = error as { command: unknown }
  const { name } = (command ?? {}) as { readonly name?: unknown }
  return Object.assign(error, { command: { name } })
}

function asSentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}
