import { tests } from '../../tooling/vitest.js'

export default tests('schema', {
  isolate: false,
  globalSetup: ['../../internal/postgres-server/src/global-setup.ts'],
})
