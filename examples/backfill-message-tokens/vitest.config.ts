import { tests } from '../../tooling/vitest.js'

export default tests('backfill-message-tokens', {
  include: ['*.test.ts'],
  globalSetup: ['../../internal/postgres-server/src/global-setup.ts'],
})
