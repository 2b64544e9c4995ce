import { defineProject, type UserWorkspaceConfig } from 'vitest/config'

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
    test: {
      name,
      include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
      pool: 'forks',
      retry: 0,
      testTimeout: 20_000,
      ...test,
    },
  })
}
