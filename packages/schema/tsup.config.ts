import { library } from '../../tooling/tsup.js'

export default library({ entry: ['src/index.ts', 'src/testing.ts', 'src/testing-process.ts'], shims: true })
