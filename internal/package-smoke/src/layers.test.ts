import { expect, test } from 'vitest'
import { publishedPackages } from './packed.js'

// They lie upon the adapters, each of which is loaded when a store of its type is opened.
const aboveAdapters = ['@drover/checkpoints', '@drover/schema']

// pnpm links only what a package.json declares, so what is declared is what can be imported.
test.each(publishedPackages())(
  '$manifest.name needs no package of ours but core, and core none',
  ({ manifest: { name, dependencies, peerDependencies, peerDependenciesMeta } }) => {
    const declared = Object.keys({ ...dependencies, ...peerDependencies }).filter((one) => one.startsWith('@drover'))
    const isOptional = (one: string) => peerDependenciesMeta?.[one]?.optional === true
    expect(declared.filter((one) => !isOptional(one))).toEqual(name === '@drover/core' ? [] : ['@drover/core'])
    if (!aboveAdapters.includes(name)) expect(declared.filter(isOptional)).toEqual([])
  },
)
