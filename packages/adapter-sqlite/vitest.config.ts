import { tests } from '../../tooling/vitest.js'

export default tests('adapter-sqlite', { isolate: false })
