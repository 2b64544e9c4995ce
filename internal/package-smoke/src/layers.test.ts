import { expect, test } from 'vitest'
import { publishedPackages } from './packed.js'

// pnpm links only what a package.json declares, so what is declared is what can be imported.
test.each(publishedPackages())(
  '$manifest.name depends on no package of ours but core, and core on none',
  ({ manifest }) => {
    const ours = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).filter((name) =>
      name.startsWith('@drover'),
    )
    expect(ours).toEqual(manifest.name === '@drover/core' ? [] : ['@drover/core'])
  },
)
