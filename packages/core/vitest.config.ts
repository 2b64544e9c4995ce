import { tests } from '../../tooling/vitest.js'

export default tests('core', { isolate: false })
