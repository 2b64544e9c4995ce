import type { ObjectShape, VariantsShape } from '../shape/shape.js'

/** What stores are for in a pipeline's file. */
export type Role = 'source' | 'sink' | 'state' | 'signal' | 'undo'

/** For whom a store is made. */
export interface Making {
  /** That modules are relative to, and packages looked for from. */
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  /** Nothing is to be written, and nobody to be asked who is paid for it. */
  readonly isDryRun: boolean
}

/** A factory of a package, and the options that a file may give it. */
export interface FactoryEntry {
  /** Under which name the package exports it. */
  readonly factory: string
  readonly options: ObjectShape | VariantsShape
  /** Makes of a file's options what the factory takes, where that is something else. */
  readonly prepare?: (options: Readonly<Record<string, unknown>>, making: Making) => object | Promise<object>
}

/** A kind of store, by the `type` of a file. */
export interface StoreType {
  readonly package: string
  /** What to install beside the package itself. */
  readonly drivers?: readonly string[]
  readonly roles: Readonly<
    Partial<Record<Exclude<Role, 'undo'>, FactoryEntry>> & {
      readonly undo?: FactoryEntry & { readonly options: ObjectShape }
    }
  >
}
