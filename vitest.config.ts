import os from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What takes longest. Begun last, it would be alone at the end, on one processor. */
const long = ['exactly-once.int.test', 'crash.int.test', '.suite.int.test', 'kill-model', 'interleavings.int.test']

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = long.findIndex((name) => moduleId.includes(name))
      return found < 0 ? long.length : found
    }
    return (await super.sort(files)).sort((a, b) => place(a) - place(b))
  }
}

export default defineConfig({
  test: {
    projects: ['packages/*/vitest.config.ts', '{benchmarks,examples/*,internal/*}/vitest.config.ts'],
    passWithNoTests: true,
    // Vitest leaves a processor to itself, and tests wait for disks, servers and other processes.
    maxWorkers: Math.max(2, os.availableParallelism() - 1),
    sequence: { sequencer: LongestFirst },
  },
})
