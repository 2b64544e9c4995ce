import { describe, expect, it } from 'vitest'
import { answerError, networkError, statusOf } from './qdrant-error.js'

const place = { doing: 'reading collection "notes" on vectors.example.org:6333' }

function answer(status: number, error: string, more: object = {}): ReturnType<typeof answerError> {
  return answerError({ status, text: JSON.stringify({ status: { error }, time: 0.1 }), ...more }, place)
}

describe('what a server answers', () => {
  it.each<[number, string, string, boolean]>([
    [400, 'Wrong input: Vector dimension error: expected dim: 4, got 3', 'RECORD_REFUSED', false],
    [401, 'Must provide an API key or an Authorization bearer token', 'STORE_DENIED', false],
    [403, 'Forbidden: Global access is required', 'STORE_DENIED', false],
    [404, "Not found: Collection `notes` doesn't exist!", 'SOURCE_NOT_FOUND', false],
    [408, 'Timeout', 'STORE_UNAVAILABLE', true],
    [409, 'Wrong input: Collection `notes` already exists!', 'SINK_NOT_READY', false],
    [413, 'JSON payload (40000000 bytes) is larger than allowed (limit: 33554432 bytes).', 'RECORD_REFUSED', false],
    [422, 'Validation error in JSON body: [limit: must be 1 or larger]', 'RECORD_REFUSED', false],
    [429, 'Rate limiting exceeded: Write rate limit exceeded, retry later', 'STORE_BUSY', true],
    [500, 'Service internal error: task panicked', 'STORE_UNAVAILABLE', true],
    [500, 'Service internal error: No space left on device: WAL buffer size exceeds', 'STORE_FULL', false],
    [503, 'Shard temporarily unavailable', 'STORE_UNAVAILABLE', true],
    [507, 'Insufficient storage', 'STORE_FULL', false],
    [599, 'something new', 'STORE_UNAVAILABLE', true],
    [418, 'something new', 'UNEXPECTED', false],
  ])('%d %s is %s', (status, said, code, isRetryable) => {
    const error = answer(status, said)
    expect(error).toMatchObject({ code, isRetryable })
    expect(error.message).toContain(`Qdrant failed while ${place.doing}: ${status}, ${said}`)
    expect(error.message).toMatch(/[.!]$/)
    expect(error.message).not.toContain('..')
    expect(statusOf(error)).toBe(status)
  })

  it.each<[number, string, string, string]>([
    [404, '', 'OPTION_INVALID', '404. What answers there does not know the path'],
    [404, '<html><head><title>404 Not Found</title></head></html>', 'OPTION_INVALID', '404, 404 Not Found.'],
    [502, '<html><head><title>502 Bad Gateway</title></head></html>', 'STORE_UNAVAILABLE', '502, 502 Bad Gateway.'],
    [
      400,
      '<html><title>400 The plain HTTP request was sent to HTTPS port</title></html>',
      'OPTION_INVALID',
      'write https://',
    ],
    [413, '<html><title>413 Request Entity Too Large</title></html>', 'RECORD_REFUSED', 'write fewer bytes'],
    [500, `${'x'.repeat(500)}\nmore`, 'STORE_UNAVAILABLE', `500, ${'x'.repeat(200)}….`],
  ])('%d of something else, %s, is %s', (status, text, code, said) => {
    const error = answerError({ status, text }, place)
    expect(error.code).toBe(code)
    expect(error.message).toContain(said)
  })

  it('says where a redirect points to', () => {
    const error = answerError({ status: 308, text: '', location: 'https://there/' }, place)
    expect(error).toMatchObject({ code: 'OPTION_INVALID', message: expect.stringContaining('308 to https://there/.') })
  })

  it('says how long to wait: in seconds, or until a date', () => {
    expect(answer(429, 'later', { retryAfter: '7' }).retryAfterMs).toBe(7000)
    expect(answer(429, 'later', { retryAfter: '0.2' }).retryAfterMs).toBe(200)
    expect(answer(429, 'later', { retryAfter: 'soon' }).retryAfterMs).toBeUndefined()
    expect(answer(429, 'later').retryAfterMs).toBeUndefined()
    const date = answer(503, 'later', { retryAfter: new Date(Date.now() + 60_000).toUTCString() }).retryAfterMs ?? 0
    expect(Math.abs(date - 60_000)).toBeLessThan(2000)
    expect(answer(429, 'later', { retryAfter: new Date(0).toUTCString() }).retryAfterMs).toBe(0)
  })

  it('tells no secret that it repeats', () => {
    expect(answer(401, 'Invalid api-key: s3cret-key').message).not.toContain('s3cret')
  })
})

describe('what the network does', () => {
  function failure(code: string, message = 'it failed'): Error {
    return Object.assign(new Error(message), { code })
  }

  it.each<[string, string, boolean]>([
    ['ECONNREFUSED', 'STORE_UNAVAILABLE', true],
    ['ECONNRESET', 'STORE_UNAVAILABLE', true],
    ['ENOTFOUND', 'STORE_UNAVAILABLE', false],
    ['UND_ERR_SOCKET', 'STORE_UNAVAILABLE', true],
    ['UND_ERR_CONNECT_TIMEOUT', 'STORE_UNAVAILABLE', true],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'OPTION_INVALID', false],
    ['EPROTO', 'OPTION_INVALID', false],
    ['HPE_INVALID_CONSTANT', 'OPTION_INVALID', false],
    ['HPE_INVALID_EOF_STATE', 'STORE_UNAVAILABLE', true],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'STORE_DENIED', false],
    ['CERT_HAS_EXPIRED', 'STORE_DENIED', false],
    ['SOMETHING_NEW', 'UNEXPECTED', false],
  ])('%s is %s', (code, meaning, isRetryable) => {
    const error = networkError(failure(code), place)
    expect(error).toMatchObject({ code: meaning, isRetryable })
    expect(error.message).toMatch(/^Qdrant failed while reading collection "notes" on [\w.:]+: it failed\./)
  })

  it('of a server that was never reached is rather a mistake', () => {
    expect(networkError(failure('ECONNREFUSED'), { ...place, isFirst: true }).isRetryable).toBe(false)
    expect(networkError(failure('ECONNRESET'), { ...place, isFirst: true }).isRetryable).toBe(true)
  })

  it('is told of all addresses of a host', () => {
    const all = new AggregateError(
      [failure('ECONNREFUSED', 'refused ::1'), failure('ECONNREFUSED', 'refused 127.0.0.1')],
      '',
    )
    expect(networkError(Object.assign(all, { code: 'ECONNREFUSED' }), place).message).toContain(
      'refused ::1, refused 127.0.0.1',
    )
  })
})
