import { collectionRoutes } from './collection-routes.js'
import type { JsonScanner } from './json-scanner.js'
import type { JsonWriter } from './json-writer.js'
import { pointRoutes } from './point-routes.js'
import { serviceRoutes } from './service-routes.js'
import type { Store } from './store.js'
import { updateRoutes } from './update-routes.js'

/** A request, its path taken apart. */
export interface Call {
  readonly store: Store
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly body: JsonScanner
}

/** Writes the `result` of the answer. @throws Refusal */
export type Handler = (call: Call, writer: JsonWriter) => void

/** `POST /collections/{name}/points` → what answers it. */
export type Routes = Readonly<Record<string, Handler>>

const table = Object.entries({ ...serviceRoutes, ...collectionRoutes, ...updateRoutes, ...pointRoutes }).map(
  ([route, handler]) => {
    const [method = '', path = ''] = route.split(' ')
    return { method, steps: path.split('/').slice(1), handler }
  },
)

/** Fixed steps win over parameters: the table names them first where both fit. */
export function findRoute(
  method: string,
  path: string,
): { handler: Handler; params: Record<string, string> } | 'method' | undefined {
  const steps = path.split('/').slice(1)
  let fits: 'method' | undefined
  for (const route of table) {
    const params = matched(route.steps, steps)
    if (params === undefined) continue
    if (route.method === method) return { handler: route.handler, params }
    fits = 'method'
  }
  return fits
}

function matched(pattern: readonly string[], steps: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== steps.length) return undefined
  const params: Record<string, string> = {}
  for (const [at, part] of pattern.entries()) {
    const step = steps[at] ?? ''
    if (part.startsWith('{')) params[part.slice(1, -1)] = decodeURIComponent(step)
    else if (part !== step) return undefined
  }
  return params
}

const readingPosts = /\/points(\/(scroll|count|query|query\/batch))?$/

/** Whether a request can change something. */
export function changes(method: string, path: string): boolean {
  return method !== 'GET' && !(method === 'POST' && readingPosts.test(path))
}
