import { tests } from '../../tooling/vitest.js'

export default tests('adapter-qdrant', {
  isolate: false,
  globalSetup: ['../../internal/postgres-server/src/global-setup.ts'],
})
