import { defineConfig, type Options } from 'tsup'

interface LibraryOptions extends Options {
  /**
   * ESM-only dependencies that the CommonJS build carries inside, so that it also loads where `require` of an ES module
   * does not work (Jest, older bundlers). The ESM build imports them.
   */
  bundledIntoCjs?: string[]
}

/** ESM and CommonJS with types for each. */
export function library({ bundledIntoCjs = [], ...options }: LibraryOptions = {}): ReturnType<typeof defineConfig> {
  return defineConfig({
    entry: ['src/index.ts'],
    format: ['esm', 'cjs'],
    target: 'node20.19',
    // Types of other members come from their dist here, so that the emitted declarations name the package, not its source.
    dts: { compilerOptions: { customConditions: [] } },
    sourcemap: true,
    clean: true,
    // Modules inside of a package, too.
    noExternal: bundledIntoCjs.map((name) => new RegExp(`^${name}(?:$|/)`)),
    esbuildOptions(build, { format }) {
      if (format === 'esm') build.external = [...(build.external ?? []), ...bundledIntoCjs]
    },
    ...options,
  })
}
