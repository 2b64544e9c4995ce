import { tests } from '../../tooling/vitest.js'

export default tests('hand-written-backfill', { include: ['*.test.ts'] })
