import { tests } from '../../tooling/vitest.js'

export default tests('checkpoints', {
  isolate: false,
  globalSetup: [
    '../../internal/postgres-server/src/global-setup.ts',
    '../../internal/redis-server/src/global-setup.ts',
  ],
})
