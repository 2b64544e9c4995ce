import { defineConfig, type Options } from 'tsup'

/**
 * ESM and CommonJS with types for each. Dependencies stay outside the bundle; ESM-only ones are loaded from CommonJS by
 * `require(esm)`, which every supported Node has.
 */
export function library(options: Options = {}): ReturnType<typeof defineConfig> {
  return defineConfig({
    entry: ['src/index.ts'],
    format: ['esm', 'cjs'],
    target: 'node20.19',
    // Types of other members come from their dist here, so that the emitted declarations name the package and not its source.
    dts: { compilerOptions: { customConditions: [] } },
    sourcemap: true,
    clean: true,
    treeshake: true,
    ...options,
  })
}
