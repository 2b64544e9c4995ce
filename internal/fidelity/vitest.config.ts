import { tests } from '../../tooling/vitest.js'

export default tests('fidelity', {
  globalSetup: ['../postgres-server/src/global-setup.ts', '../redis-server/src/global-setup.ts'],
})
