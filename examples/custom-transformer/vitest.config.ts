import { tests } from '../../tooling/vitest.js'

export default tests('custom-transformer', { include: ['*.test.ts'] })
