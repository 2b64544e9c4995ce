import { stateStoreSuite } from '@drover/conformance'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { redisStateStore } from './redis-state-store.js'

let places = 0

describeRedis('redisStateStore', () => {
  const database = useRedis()

  stateStoreSuite('redisStateStore', {
    create: async () => {
      const keyPrefix = `place ${++places}:`
      return {
        open: () => redisStateStore({ connection: database.url, keyPrefix }),
        [Symbol.asyncDispose]: async () => {},
      }
    },
  })
})
