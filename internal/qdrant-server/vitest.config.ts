import { tests } from '../../tooling/vitest.js'

export default tests('qdrant-server', { isolate: false })
