import { tests } from '../../tooling/vitest.js'

export default tests('redis-to-parquet', {
  include: ['*.test.ts'],
  globalSetup: ['../../internal/redis-server/src/global-setup.ts'],
})
