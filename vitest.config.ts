import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: ['packages/*/vitest.config.ts', '{benchmarks,examples/*,internal/*}/vitest.config.ts'],
    passWithNoTests: true,
  },
})
