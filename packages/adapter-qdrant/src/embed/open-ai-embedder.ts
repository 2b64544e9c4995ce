import { checkOptionNames, checkText, checkWholeNumber, DroverError, networkFailures, shown } from '@drover/core'
import type { Embedder } from './embedder.js'
import { refusalOf } from './open-ai-refusal.js'

/** Options of {@link openAiEmbedder}. */
export interface OpenAiEmbedderOptions {
  /** `text-embedding-3-small`, or what the service calls its model. */
  readonly model: string
  /** @default the variable OPENAI_API_KEY */
  readonly apiKey?: string | undefined
  /** Without `/embeddings`. @default the variable OPENAI_BASE_URL, else `https://api.openai.com/v1` */
  readonly baseUrl?: string | undefined
  /** Asks for vectors of this size, for models that can be asked; every answer has to have it. @default the model's own */
  readonly dimensions?: number | undefined
}

const where = 'openAiEmbedder'
const optionNames = ['model', 'apiKey', 'baseUrl', 'dimensions']

/**
 * Embeds texts by a service that speaks as OpenAI's does: OpenAI itself, Azure's compatible endpoint, vLLM, Ollama, and others.
 *
 * @throws `OPTION_INVALID`, also if there is no key. When it is called: `STORE_DENIED` (key, quota), `STORE_BUSY` (429, with the wait that is asked for),
 * `STORE_UNAVAILABLE`, `OPTION_INVALID` (no such model, or address), `RECORD_REFUSED` (a text that it will not take), `CONTRACT_BROKEN` (another
 * number of vectors).
 *
 * @example
 * qdrantSink({ collection: 'notes', embed: openAiEmbedder({ model: 'text-embedding-3-small' }), embedText: 'content' })
 */
export function openAiEmbedder(options: OpenAiEmbedderOptions): Embedder {
  checkOptionNames(where, options, optionNames)
  const { model, dimensions } = options
  checkText(where, 'model', model)
  checkWholeNumber(where, 'dimensions', dimensions, 1)
  const key = keyOf(options.apiKey)
  const { url, service } = endpointOf(options.baseUrl)
  const asked = { model, encoding_format: 'float', ...(dimensions === undefined ? {} : { dimensions }) }
  const embed: Embedder = async (texts, { signal }) => {
    const answer = await send(url, key, JSON.stringify({ ...asked, input: texts }), { signal, service })
    return vectorsOf(answer, texts.length, service)
  }
  return Object.assign(embed, { model, ...(dimensions === undefined ? {} : { dimensions }) })
}

function keyOf(given: string | undefined): string {
  if (given !== undefined) checkText(where, 'apiKey', given)
  const key = given ?? process.env.OPENAI_API_KEY ?? ''
  if (key === '') {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: there is no key: set OPENAI_API_KEY, or give apiKey. A service of one's own that asks for none takes any text.`,
    )
  }
  // What no header can hold would be refused with the key in the message.
  if (!/^[\x21-\x7e]+$/.test(key))
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: apiKey holds a space, a line break or another character that no key has.`,
    )
  return key
}

function endpointOf(given: string | undefined): { readonly url: string; readonly service: string } {
  const base = given ?? (process.env.OPENAI_BASE_URL || 'https://api.openai.com/v1')
  const parsed = URL.canParse(base) ? new URL(base) : undefined
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol) || parsed.username !== '' || parsed.password !== '') {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: baseUrl (or OPENAI_BASE_URL) is a URL such as https://api.openai.com/v1, without user and password; ${wrongIn(parsed)}, and is not shown here.`,
    )
  }
  parsed.pathname = `${parsed.pathname.replace(/\/+$/, '')}/embeddings`
  return { url: parsed.href, service: `${parsed.host}${parsed.pathname}` }
}

/** In words: a key that was put into the wrong variable must not be in a message. */
function wrongIn(url: URL | undefined): string {
  if (url === undefined) return 'what is given is no URL'
  return /^https?:$/.test(url.protocol)
    ? 'what is given has some'
    : 'what is given begins with neither http:// nor https://'
}

interface Sending {
  readonly signal: AbortSignal
  readonly service: string
}

async function send(url: string, key: string, body: string, { signal, service }: Sending): Promise<unknown> {
  let status: number
  let headers: Headers
  let text: string
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body,
      signal,
    })
    status = answer.status
    headers = answer.headers
    text = await answer.text()
  } catch (error) {
    signal.throwIfAborted()
    throw networkError(error, service)
  }
  if (status < 200 || status > 299) throw refusalOf({ status, headers, text }, service, key)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw garbage(service, 'no JSON', cause)
  }
}

/** In the order of the texts: a service may give them in any, and says which is which. */
function vectorsOf(answer: unknown, texts: number, service: string): readonly (readonly number[])[] {
  const data = (answer as { data?: unknown } | null)?.data
  if (!Array.isArray(data)) throw garbage(service, 'JSON without a list "data"')
  if (data.length !== texts) {
    throw new DroverError(
      'CONTRACT_BROKEN',
      `${service} was given ${texts} texts and answered with ${data.length} vectors; which belongs to which cannot be told.`,
    )
  }
  const vectors = new Array<readonly number[]>(texts)
  for (const [place, one] of data.entries()) {
    const { index = place, embedding } = Object(one) as { index?: unknown; embedding?: unknown }
    if (!Array.isArray(embedding)) throw garbage(service, 'an entry without a list "embedding"')
    if (
      typeof index !== 'number' ||
      !Number.isInteger(index) ||
      index < 0 ||
      index >= texts ||
      vectors[index] !== undefined
    )
      throw garbage(service, `the place ${shown(index)}, which no text has, or another vector has already`)
    vectors[index] = embedding as number[]
  }
  return vectors
}

function garbage(service: string, what: string, cause?: unknown): DroverError {
  return new DroverError(
    'STORE_UNAVAILABLE',
    `${service} answered with ${what}: something else than a service of embeddings stands there, or before it. Check OPENAI_BASE_URL.`,
    { cause, isRetryable: true },
  )
}

function networkError(error: unknown, service: string): DroverError {
  const { cause } = Object(error) as { cause?: { code?: unknown } }
  const code = String(cause?.code ?? '')
  const meaning = networkFailures[code]
  const said = meaning?.remedy ?? 'The connection broke off.'
  return new DroverError('STORE_UNAVAILABLE', `${service} cannot be reached (${code || 'no answer'}). ${said}`, {
    cause: error,
    isRetryable: meaning?.retry ?? true,
  })
}
