import { tests } from '../../tooling/vitest.js'

export default tests('add-priority', {
  include: ['*.test.ts'],
  globalSetup: ['../../internal/postgres-server/src/global-setup.ts'],
})
