import { backfillerSuite } from '../src/index.js'
import { lengths, lengthsHarness } from './fixtures/lengths.js'

backfillerSuite('in memory', {
  capabilities: { count: 'exact', skip: true, transactional: true },
  create: async () => lengthsHarness(lengths),
})
