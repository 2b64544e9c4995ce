import { tests } from '../../tooling/vitest.js'

export default tests('postgres-server', { globalSetup: ['src/global-setup.ts'] })
