import { tests } from '../../tooling/vitest.js'

export default tests('adapter-postgres', {
  isolate: false,
  globalSetup: ['../../internal/postgres-server/src/global-setup.ts'],
})
