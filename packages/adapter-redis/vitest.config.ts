import { tests } from '../../tooling/vitest.js'

export default tests('adapter-redis', {
  isolate: false,
  globalSetup: ['../../internal/redis-server/src/global-setup.ts'],
})
