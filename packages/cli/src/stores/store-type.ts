import type { ObjectShape } from '../shape/shape.js'

/** What stores are for in a pipeline's file. */
export type Role = 'source' | 'sink' | 'state' | 'signal' | 'undo'

/** A factory of a package, and the options that a file may give it. */
export interface FactoryEntry {
  /** Under which name the package exports it. */
  readonly factory: string
  readonly options: ObjectShape
}

/** A kind of store, by the `type` of a file. */
export interface StoreType {
  readonly package: string
  /** What to install beside the package itself. */
  readonly drivers?: readonly string[]
  readonly roles: Readonly<Partial<Record<Role, FactoryEntry>>>
}
