import { DroverError } from '@drover/core'
import { describe, expect, it } from 'vitest'
import { copyLine, postgresError, sqlState } from './postgres-error.js'

function serverError(code: string, message: string, more: object = {}): Error {
  return Object.assign(new Error(message), { severity: 'ERROR', code, ...more })
}

describe('a failure of the server', () => {
  it.each([
    ['23505', 'RECORD_REFUSED', false],
    ['22001', 'RECORD_REFUSED', false],
    ['22P02', 'RECORD_REFUSED', false],
    ['54000', 'RECORD_REFUSED', false],
    ['P0001', 'RECORD_REFUSED', false],
    ['40001', 'STORE_BUSY', true],
    ['40P01', 'STORE_BUSY', true],
    ['55P03', 'STORE_BUSY', true],
    ['57014', 'STORE_BUSY', true],
    ['53300', 'STORE_BUSY', true],
    ['57P01', 'STORE_UNAVAILABLE', true],
    ['57P03', 'STORE_UNAVAILABLE', true],
    ['08006', 'STORE_UNAVAILABLE', true],
    ['25P03', 'STORE_UNAVAILABLE', true],
    ['53100', 'STORE_FULL', false],
    ['28P01', 'STORE_DENIED', false],
    ['28000', 'STORE_DENIED', false],
    ['42501', 'STORE_DENIED', false],
    ['25006', 'STORE_DENIED', false],
    ['3D000', 'SOURCE_NOT_FOUND', false],
    ['42P01', 'SOURCE_NOT_FOUND', false],
    ['42703', 'NAME_UNKNOWN', false],
    ['42601', 'UNEXPECTED', false],
    ['22023', 'UNEXPECTED', false],
  ])('%s is %s', (state, code, isRetryable) => {
    const error = postgresError(serverError(state, 'it says'), 'writing to db/chat')
    expect(error).toMatchObject({ code, isRetryable })
    expect(error.message).toMatch(/^PostgreSQL failed while writing to db\/chat: it says\./)
    expect(sqlState(error.cause)).toBe(state)
  })

  it('in a COPY names the record, and its key, and no more of it', () => {
    const unique = serverError('23505', 'duplicate key value violates unique constraint "messages_pkey"', {
      detail: 'Key (id)=(5) already exists.',
      where: 'COPY messages, line 3',
    })
    expect(postgresError(unique, 'writing to table "messages" of db/chat')).toMatchObject({
      row: 2,
      message:
        'PostgreSQL failed while writing to table "messages" of db/chat: duplicate key value violates unique constraint ' +
        '"messages_pkey". It was record 3 of the batch. Key (id)=(5) already exists. A record breaks a constraint.',
    })
    const check = serverError('23514', 'violates check constraint "c"', {
      detail: 'Failing row contains (5, private).',
      where: 'COPY t, line 12, column content: "private, line 9"',
    })
    expect(copyLine(check)).toBe(12)
    const { message } = postgresError(check, 'writing')
    expect(message).toContain('It was column "content" of record 12 of the batch.')
    expect(message).not.toContain('private')
  })

  it('of a pooler that does not know a setting is not tried again', () => {
    const error = postgresError(serverError('08P01', 'unsupported startup parameter: options'), 'connecting to db/chat')
    expect(error).toMatchObject({ code: 'OPTION_INVALID', isRetryable: false })
    expect(error.message).toContain('ignore_startup_parameters')
  })

  it('of two that waited for each other names the other one', () => {
    const detail =
      'Process 6 waits for ShareLock on transaction 765; blocked by process 7.\nProcess 7 waits for ShareLock on transaction 764; blocked by process 6.'
    const { message } = postgresError(serverError('40P01', 'deadlock detected', { detail }), 'updating db/chat')
    expect(message).toContain(
      'deadlock detected. Process 6 waits for ShareLock on transaction 765; blocked by process 7. It and',
    )
  })

  it('by a policy of the table is about the record, not about the rights', () => {
    const error = serverError('42501', 'new row violates row-level security policy for table "t"')
    expect(postgresError(error, 'writing')).toMatchObject({ code: 'RECORD_REFUSED' })
  })
})

describe('a failure on the way', () => {
  it.each<[string, Error, string, boolean]>([
    [
      'refused',
      Object.assign(new AggregateError([new Error('connect ECONNREFUSED ::1:5432')]), { code: 'ECONNREFUSED' }),
      'STORE_UNAVAILABLE',
      true,
    ],
    [
      'no such host',
      Object.assign(new Error('getaddrinfo ENOTFOUND nodb'), { code: 'ENOTFOUND' }),
      'STORE_UNAVAILABLE',
      false,
    ],
    ['reset', Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }), 'STORE_UNAVAILABLE', true],
    ['terminated', new Error('Connection terminated unexpectedly'), 'STORE_UNAVAILABLE', true],
    ['too slow', new Error('Connection terminated due to connection timeout'), 'STORE_UNAVAILABLE', true],
    ['full pool of pg', new Error('timeout exceeded when trying to connect'), 'STORE_BUSY', true],
    [
      'full pool of knex',
      new Error('Knex: Timeout acquiring a connection. The pool is probably full.'),
      'STORE_BUSY',
      true,
    ],
    [
      'no password',
      new Error('SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string'),
      'STORE_DENIED',
      false,
    ],
    ['no TLS', new Error('The server does not support SSL connections'), 'OPTION_INVALID', false],
    [
      'a certificate',
      Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
      'STORE_DENIED',
      false,
    ],
    ['something else', new Error('no idea'), 'UNEXPECTED', false],
  ])('%s', (_, cause, code, isRetryable) => {
    const error = postgresError(cause, 'connecting to db/chat')
    expect(error).toMatchObject({ code, isRetryable, cause })
    expect(error.message).toMatch(/chat: .*\w.*\./)
  })

  it('keeps no secret that somebody put into a message', () => {
    const error = new Error('cannot open postgres://app:hunter2@db/chat with password=hunter2')
    expect(postgresError(error, 'connecting').message).not.toContain('hunter2')
  })

  it('that is ours already stays as it is', () => {
    const error = new DroverError('ABORTED', 'given up')
    expect(postgresError(error, 'reading')).toBe(error)
  })
})
