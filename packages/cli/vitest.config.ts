import { tests } from '../../tooling/vitest.js'

export default tests('cli', {
  isolate: false,
  setupFiles: ['../../tooling/at-the-root.ts'],
  // Processes that compile the sources of all packages before they begin.
  testTimeout: 60_000,
  globalSetup: [
    '../../internal/postgres-server/src/global-setup.ts',
    '../../internal/redis-server/src/global-setup.ts',
  ],
})
