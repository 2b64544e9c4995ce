import os from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What takes longest. Begun last, it would be alone at the end, on one processor. */
const long = [
  'exactly-once.int.test',
  'crash.int.test',
  '.suite.int.test',
  'packages.int.test',
  'kill-model',
  'broken-adapters.int.test',
  'demo.int.test',
  'conformance/test/files.test',
  'crash-harness.int.test',
  'bin.int.test',
  'interleavings.int.test',
]

/** Then the files of one project after the other: those that share a process find loaded what the last one needed. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = long.findIndex((name) => moduleId.includes(name))
      return found < 0 ? long.length : found
    }
    const name = ({ project }: TestSpecification): string => project.name
    return (await super.sort(files)).sort((a, b) => place(a) - place(b) || name(a).localeCompare(name(b)))
  }
}

const cache = process.env.DROVER_MODULE_CACHE

export default defineConfig({
  test: {
    projects: ['packages/*/vitest.config.ts', '{benchmarks,examples/*,internal/*}/vitest.config.ts'],
    passWithNoTests: true,
    // Of one run alone: what a module is resolved to is kept too, which other files may change.
    ...(cache && { experimental: { fsModuleCache: true, fsModuleCachePath: cache } }),
    // Vitest leaves a processor to itself, and tests wait for disks, servers and other processes.
    maxWorkers: Math.max(2, os.availableParallelism() - 1),
    sequence: { sequencer: LongestFirst },
  },
})
