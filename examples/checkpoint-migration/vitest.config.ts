import { tests } from '../../tooling/vitest.js'

export default tests('checkpoint-migration', {
  include: ['*.test.ts'],
  globalSetup: [
    '../../internal/postgres-server/src/global-setup.ts',
    '../../internal/redis-server/src/global-setup.ts',
  ],
})
