import { library } from '../../tooling/tsup.js'

export default library({ bundledIntoCjs: ['p-limit', 'uuid'] })
