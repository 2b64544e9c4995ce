import { library } from '../../tooling/tsup.js'

// The command loads modules of its user, which only import() can do for all of them: it is an ES module itself.
export default library({ format: ['esm'], entry: ['src/index.ts', 'src/bin.ts'] })
