import { DroverError, redactSecrets } from '@drover/core'

interface Refused {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** What an answer means that says no. The key is never repeated, though services echo parts of it. */
export function refusalOf({ status, headers, text }: Refused, service: string, key: string): DroverError {
  const { message, code } = errorIn(text)
  const said = message === '' ? '' : `: ${redactSecrets(withoutKey(message, key)).slice(0, 300)}`
  if (status === 401 || status === 403) {
    return new DroverError('STORE_DENIED', `${service} refuses the key (${status})${said}. Check OPENAI_API_KEY.`)
  }
  if (code === 'insufficient_quota') {
    return new DroverError('STORE_DENIED', `${service} has no quota left for this key${said}.`)
  }
  if (status === 429) {
    return new DroverError(
      'STORE_BUSY',
      `${service} is asked too often (429)${said}. embedding.requestsPerSecond sets a ceiling.`,
      { isRetryable: true, ...retryAfter(headers) },
    )
  }
  if (status === 404 || status === 405) {
    return new DroverError(
      'OPTION_INVALID',
      `${service} is not there (${status})${said}. Check model and OPENAI_BASE_URL.`,
    )
  }
  if (status === 408 || status >= 500) {
    return new DroverError('STORE_UNAVAILABLE', `${service} failed (${status})${said}.`, {
      isRetryable: true,
      ...retryAfter(headers),
    })
  }
  if (status === 400 || status === 413 || status === 422) {
    return new DroverError('RECORD_REFUSED', `${service} will not embed this text (${status})${said}.`)
  }
  return new DroverError('STORE_UNAVAILABLE', `${service} answered with ${status}${said}.`)
}

/** OpenAI's form, or that of others who are near to it. */
function errorIn(text: string): { readonly message: string; readonly code: string } {
  try {
    const { error, message, detail } = Object(JSON.parse(text)) as Record<string, unknown>
    const inner = Object(error) as { message?: unknown; code?: unknown; type?: unknown }
    const said = inner.message ?? (typeof error === 'string' ? error : (message ?? detail))
    return { message: typeof said === 'string' ? oneLine(said) : '', code: String(inner.code ?? inner.type ?? '') }
  } catch {
    // A proxy's page says nothing of use.
    return { message: text.includes('<') ? '' : oneLine(text), code: '' }
  }
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().replace(/\.$/, '')
}

/** Whole, and as it is echoed: `sk-ab****wxyz`. */
function withoutKey(message: string, key: string): string {
  const whole = key.length < 4 ? message : message.replaceAll(key, '***')
  return whole.replace(/\S*\*{3,}\S*/g, '***')
}

/** Seconds, or a date; OpenAI also says it in milliseconds. */
function retryAfter(headers: Headers): { readonly retryAfterMs?: number } {
  const ms = Number(headers.get('retry-after-ms') ?? Number.NaN)
  if (Number.isFinite(ms) && ms >= 0) return { retryAfterMs: ms }
  const said = headers.get('retry-after')
  if (said === null || said.trim() === '') return {}
  const waitMs = Number.isFinite(Number(said)) ? Number(said) * 1000 : Date.parse(said) - Date.now()
  return Number.isFinite(waitMs) && waitMs >= 0 ? { retryAfterMs: waitMs } : {}
}
