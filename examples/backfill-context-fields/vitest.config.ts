import { tests } from '../../tooling/vitest.js'

export default tests('backfill-context-fields', {
  include: ['*.test.ts'],
  globalSetup: ['../../internal/postgres-server/src/global-setup.ts'],
})
