import fs from 'node:fs'
import { fileURLToPath } from 'node:url'
import { OpenAPIBackend } from 'openapi-backend'

/** A request with its answer. */
export interface Exchange {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly request: Buffer
  readonly status: number
  readonly answer: Buffer | string
}

/** Checks exchanges against the OpenAPI file of the server, version 1.19.0. */
export interface ApiContract {
  /** What does not fit, as sentences. */
  check(exchange: Exchange): string[]
}

/** Larger bodies repeat what smaller ones show, and take seconds. */
const checkedBytes = 256 * 1024

let loaded: Promise<ApiContract> | undefined

/** Null, and a warning, where the file is not to be found: `QDRANT_OPENAPI`, else `../shared/data/qdrant-openapi.json`. */
export async function loadApiContract(): Promise<ApiContract | null> {
  const file = apiFile()
  if (file !== null) {
    loaded ??= load(file)
    return await loaded
  }
  process.emitWarning('Requests to Qdrant are NOT checked against its API: set QDRANT_OPENAPI to its OpenAPI file.')
  return null
}

/** The OpenAPI file, if there is one. */
export function apiFile(): string | null {
  const besideProject = fileURLToPath(new URL('../../../../shared/data/qdrant-openapi.json', import.meta.url))
  const file = process.env.QDRANT_OPENAPI || besideProject
  return fs.existsSync(file) ? file : null
}

async function load(file: string): Promise<ApiContract> {
  const api = new OpenAPIBackend({
    definition: JSON.parse(fs.readFileSync(file, 'utf8'), fixed),
    quick: true,
    ajvOpts: { strict: false, validateFormats: false },
  })
  await api.init()
  return {
    check: ({ method, path, query, request, status, answer }) => {
      const call = { method: method.toLowerCase(), path, query: Object.fromEntries(query), headers: jsonBody }
      const operation = api.matchOperation({ ...call, body: undefined })
      if (!operation?.operationId) return status < 400 ? [`${method} ${path} is not in the API`] : []
      const problems: string[] = []
      const note = (what: string, errors: readonly { instancePath?: string; message?: string }[]): void => {
        for (const error of errors)
          problems.push(`${what} of ${method} ${path}: ${error.instancePath} ${error.message}`)
      }
      // What the server refused may be wrong on purpose.
      if (status < 400 && request.length > 0 && request.length <= checkedBytes) {
        const body: unknown = JSON.parse(request.toString())
        note('the request', api.validateRequest({ ...call, body: body as object }, operation).errors ?? [])
      }
      if (answer.length > 0 && answer.length <= checkedBytes && String(answer).startsWith('{')) {
        note('the answer', api.validateResponse(JSON.parse(String(answer)), operation, status).errors ?? [])
      }
      return problems
    },
  }
}

const jsonBody = { 'content-type': 'application/json' }

/** Ajv wants `nullable` beside a type; in the file it stands alone where null is one of several forms. */
function fixed(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('nullable' in value) || 'type' in value) return value
  const { nullable: _, ...rest } = value
  return Object.keys(rest).length === 0 ? { type: 'null' } : rest
}
