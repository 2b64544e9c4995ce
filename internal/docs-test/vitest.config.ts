import { tests } from '../../tooling/vitest.js'

export default tests('docs-test', {
  globalSetup: ['../redis-server/src/global-setup.ts'],
  // Blocks are written beneath node_modules, and yet are to see the sources of the packages.
  server: { deps: { inline: [/\.blocks/] } },
})
