import { tests } from '../../tooling/vitest.js'

export default tests('demo', { include: ['*.test.ts'] })
