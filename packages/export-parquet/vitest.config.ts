import { tests } from '../../tooling/vitest.js'

export default tests('export-parquet', { isolate: false })
