import { tests } from '../../tooling/vitest.js'

export default tests('operate', {
  include: ['*.test.ts'],
  globalSetup: ['../../internal/postgres-server/src/global-setup.ts'],
})
