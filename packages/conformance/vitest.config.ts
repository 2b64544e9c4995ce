import { tests } from '../../tooling/vitest.js'

export default tests('conformance', { isolate: false })
