import { defineProject, type UserWorkspaceConfig } from 'vitest/config'

/** Tests of one member, against the sources of the others. `*.int.test.ts` starts processes or touches real stores. */
export function tests(name: string, test: UserWorkspaceConfig['test'] = {}): UserWorkspaceConfig {
  const conditions = ['@drover/source', 'node', 'module', 'import', 'default']
  return defineProject({
    resolve: { conditions },
    ssr: { resolve: { conditions, externalConditions: ['node', 'module-sync', 'import', 'default'] } },
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
