import { library } from '../../tooling/tsup.js'

// vitest cannot be required from CommonJS, so neither can this.
export default library({ format: ['esm'], entry: ['src/index.ts', 'src/crash.ts', 'src/transformer.ts'] })
