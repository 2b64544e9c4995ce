import { existsSync } from 'node:fs'
import path from 'node:path'
import { defineProject, type UserWorkspaceConfig } from 'vitest/config'

const root = path.resolve(import.meta.dirname, '..')

/**
 * Tests of one member, against the sources of the others. `*.int.test.ts` starts processes or touches real stores. With
 * `isolate: false` its files follow each other in the same processes, for loading takes longer than most of them; a file with `vi.mock`
 * then needs `vi.hoisted(() => vi.resetModules())` in front of it, and the same behind it.
 */
export function tests(name: string, test: UserWorkspaceConfig['test'] = {}): UserWorkspaceConfig {
  // vitest starts its processes with these as `--conditions`, for `require` too: `import` among them would give it ES modules.
  const conditions = ['@drover/source', 'node', 'module-sync']
  return defineProject({
    resolve: { conditions },
    ssr: { resolve: { conditions, externalConditions: conditions } },
    plugins: process.env.DROVER_MODULE_CACHE ? [oneCache] : [],
    test: {
      name,
      include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
      pool: 'forks',
      retry: 0,
      testTimeout: 20_000,
      ...test,
      ...places(name, test),
    },
  })
}

/** All members have the same root, so that a module is the same to all of them: `npm test` then transforms it once. */
function places(name: string, { globalSetup = [], setupFiles = [] }: NonNullable<UserWorkspaceConfig['test']>): object {
  const home = ['packages', 'internal', 'examples'].map((parent) => path.join(root, parent, name)).find(existsSync)
  if (home === undefined) return {}
  const beneath = (files: string | string[]): string[] => [files].flat().map((file) => path.resolve(home, file))
  return { root, dir: home, globalSetup: beneath(globalSetup), setupFiles: beneath(setupFiles) }
}

/** The configurations of members differ in nothing that a transformed module depends on. */
const oneCache = {
  name: 'one-cache',
  configResolved({ configFileDependencies }: { readonly configFileDependencies: string[] }): void {
    configFileDependencies.length = 0
  },
}
