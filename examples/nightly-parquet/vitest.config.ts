import { tests } from '../../tooling/vitest.js'

export default tests('nightly-parquet', {
  include: ['*.test.ts'],
  globalSetup: ['../../internal/postgres-server/src/global-setup.ts'],
})
