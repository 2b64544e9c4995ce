import type { Routes } from './routes.js'

export const serverVersion = '1.19.0'

/** What concerns the server as a whole. */
export const serviceRoutes: Routes = {
  'GET /cluster': (_, writer) => {
    writer.value({ status: 'disabled' })
  },
  'GET /aliases': ({ store }, writer) => {
    writer.value({ aliases: store.aliasList() })
  },
  'GET /telemetry': ({ store }, writer) => {
    writer.value({
      id: 'drover-test-server',
      app: { name: 'qdrant', version: serverVersion, startup: '1970-01-01T00:00:00Z' },
      collections: { number_of_collections: store.collections.size },
    })
  },
}
