import type { Routes } from './routes.js'

export const serverVersion = '1.19.0'

export const serviceRoutes: Routes = {
  'GET /cluster': (_, writer) => {
    writer.value({ status: 'disabled' })
  },
  'GET /aliases': ({ store }, writer) => {
    writer.value({
      aliases: [...store.aliases].map(([alias_name, collection_name]) => ({ alias_name, collection_name })),
    })
  },
}
