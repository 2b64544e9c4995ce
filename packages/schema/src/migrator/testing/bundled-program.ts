import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'tsup'

/** A program for processes of which many are started: bundled once, so that none of them has to compile it. */
export class BundledProgram {
  private constructor(
    private readonly folder: string,
    readonly path: string,
  ) {}

  static async of(entry: string): Promise<BundledProgram> {
    // Below the package, whose drivers it imports.
    const folder = mkdtempSync(join(import.meta.dirname, '../../../node_modules/.drover-'))
    await build({
      config: false,
      entry: { program: entry },
      outDir: folder,
      outExtension: () => ({ js: '.mjs' }),
      format: ['esm'],
      platform: 'node',
      target: 'node20',
      // The drivers and knex stay what they are; the rest need not be found from here.
      noExternal: [/^(?!(?:better-sqlite3|knex|pg|sqlite3)$)/],
      external: ['better-sqlite3', 'knex', 'pg', 'sqlite3'],
      silent: true,
      esbuildOptions: (options) => {
        options.conditions = ['@drover/source']
      },
    })
    return new BundledProgram(folder, join(folder, 'program.mjs'))
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true })
  }
}
