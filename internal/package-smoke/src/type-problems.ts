import { readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './packed.js'

/** What this uses of `@arethetypeswrong/core`. */
interface Core {
  createPackageFromTarballData(tarball: Uint8Array): unknown
  checkPackage(packed: unknown): Promise<{
    readonly types: unknown
    readonly problems?: readonly { readonly kind: string; readonly resolutionKind?: string }[]
  }>
}

// Its command would begin anew, with a compiler, for each package.
const command = join(root, 'internal/package-smoke/node_modules/@arethetypeswrong/cli/package.json')
const core = createRequire(realpathSync(command)).resolve('@arethetypeswrong/core')

/** How packages that only ES modules can load are not looked for: the profile `esm-only` of the command. */
const requireAlone = ['node10', 'node16-cjs']

/** What is wrong with the types of a packed package in the module systems that it supports, one line each. */
export async function typeProblems(tarball: string, hasRequire: boolean): Promise<string[]> {
  const { createPackageFromTarballData, checkPackage } = (await import(pathToFileURL(core).href)) as Core
  const { types, problems = [] } = await checkPackage(createPackageFromTarballData(readFileSync(tarball)))
  if (!types) return ['It has no types.']
  return problems
    .filter(({ resolutionKind = '' }) => hasRequire || !requireAlone.includes(resolutionKind))
    .map((problem) => JSON.stringify(problem))
}
