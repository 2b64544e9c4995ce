import { tests } from '../../tooling/vitest.js'

export default tests('backfill-message-tokens', { include: ['*.test.ts'] })
