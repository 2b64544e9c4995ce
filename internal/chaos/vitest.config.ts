import { tests } from '../../tooling/vitest.js'

// Each test waits for one process at a time.
export default tests('chaos', {
  maxConcurrency: 2,
  globalSetup: ['../postgres-server/src/global-setup.ts', '../redis-server/src/global-setup.ts'],
})
