import { tests } from '../../tooling/vitest.js'

export default tests('zero-downtime', {
  include: ['*.test.ts'],
  globalSetup: ['../../internal/postgres-server/src/global-setup.ts'],
})
