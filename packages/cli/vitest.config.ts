import { tests } from '../../tooling/vitest.js'

export default tests('cli', {
  globalSetup: ['../../internal/postgres-server/src/global-setup.ts'],
})
