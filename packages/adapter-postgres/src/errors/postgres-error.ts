import { DroverError, type FailureMeaning, networkFailures, redactSecrets } from '@drover/core'
import { phrases, sqlStates } from './sql-states.js'

/**
 * A failure of the server, of pg, knex or the network as a `DroverError`. A refused record that COPY names by its line has that
 * place, counted from 0, as `row`.
 *
 * @param doing What was being done, with the table and database: `reading table "messages" of db.example.org/chat`.
 */
export function postgresError(error: unknown, doing: string): DroverError {
  if (DroverError.isInstance(error)) return error
  const said = redactSecrets(messageOf(error)).replace(/\.$/, '')
  const meaning = meaningOf(error)
  if (!meaning) return new DroverError('UNEXPECTED', `PostgreSQL failed while ${doing}: ${said}.`, { cause: error })
  const line = meaning.code === 'RECORD_REFUSED' ? copyLine(error) : undefined
  const parts = [`PostgreSQL failed while ${doing}: ${said}`, keyDetail(error), meaning.remedy]
  if (line !== undefined)
    parts.splice(1, 0, `It was ${columnOf(error as { readonly where?: unknown })}record ${line} of the batch`)
  return new DroverError(
    meaning.code,
    `${parts
      .filter((part) => part !== '')
      .map(asSentence)
      .join(' ')}`,
    {
      cause: error,
      isRetryable: meaning.retry === true,
      ...(line === undefined ? {} : { row: line - 1 }),
    },
  )
}

/** The SQLSTATE of an error of the server; empty if it is none. */
export function sqlState(error: unknown): string {
  const { code, severity } = (error ?? {}) as { readonly code?: unknown; readonly severity?: unknown }
  return typeof code === 'string' && severity !== undefined && /^[0-9A-Z]{5}$/.test(code) ? code : ''
}

/** Which line of a COPY the error is about, counted from 1: `COPY messages, line 3, column content: "…"`. */
export function copyLine(error: unknown): number | undefined {
  const { where } = (error ?? {}) as { readonly where?: unknown }
  const line = typeof where === 'string' ? /^COPY .*?, line (\d+)/m.exec(where)?.[1] : undefined
  return line === undefined ? undefined : Number(line)
}

/** Its name alone: behind it COPY may show the value. */
function columnOf({ where }: { readonly where?: unknown }): string {
  const name = /^COPY .*?, line \d+, column ([^:"\n]+)/m.exec(String(where))?.[1]
  return name === undefined ? '' : `column "${name}" of `
}

function meaningOf(error: unknown): FailureMeaning | undefined {
  const state = sqlState(error)
  if (state !== '') {
    // The record is refused, not the user.
    if (state === '42501' && /row-level security/.test(messageOf(error))) {
      return { code: 'RECORD_REFUSED', remedy: 'A policy of the table refuses the record.' }
    }
    // PgBouncer, which is asked for nothing but what it forwards.
    if (state === '08P01' && /unsupported startup parameter/.test(messageOf(error))) {
      const remedy =
        "Behind a pooler leave options out, and set them for the role, or name them in the pooler's ignore_startup_parameters."
      return { code: 'OPTION_INVALID', remedy }
    }
    return sqlStates[state] ?? sqlStates[state.slice(0, 2)]
  }
  const { code } = (error ?? {}) as { readonly code?: unknown }
  const known = typeof code === 'string' ? networkFailures[code] : undefined
  return known ?? phrases.find(([pattern]) => pattern.test(`${String(code)} ${messageOf(error)}`))?.[1]
}

/** Node gives an error without a message when every address of a host was refused. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join(', ')
  return error instanceof Error ? error.message : String(error)
}

/** `Key (id)=(5) already exists.` names the record. What else stands in `detail` may be a whole record, which nobody asked for. */
function keyDetail(error: unknown): string {
  const { detail } = (error ?? {}) as { readonly detail?: unknown }
  if (typeof detail !== 'string') return ''
  // "Process 6 waits for ShareLock on transaction 765; blocked by process 7."
  if (sqlState(error) === '40P01') return detail.split('\n')[0] ?? ''
  return detail.startsWith('Key (') ? detail : ''
}

function asSentence(text: string): string {
  return text.endsWith('.') ? text : `${text}.`
}
