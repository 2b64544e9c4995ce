import { tests } from '../../tooling/vitest.js'

export default tests('redis-server', { globalSetup: ['src/global-setup.ts'] })
