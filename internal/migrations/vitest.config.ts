import { tests } from '../../tooling/vitest.js'

export default tests('migrations', { globalSetup: ['../postgres-server/src/global-setup.ts'] })
