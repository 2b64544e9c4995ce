import type { Operation, Row } from '@drover/core'
import type { Catalog } from './catalog.js'
import type { Dialect } from './migration.js'

/** What a condition may look at. It only reads. */
export interface ConditionContext extends Operation {
  readonly dialect: Dialect
  /** One reading statement, with `$1` or `?` as the database has it; rows as objects. */
  query(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>
  /** The schema as it stands at this moment of the transaction. */
  catalog(): Promise<Catalog>
  /** As it stood before the revision began: for postconditions. */
  readonly before: Before
}

/** What was noted before a revision began. */
export interface Before {
  readonly catalog: Catalog
  /** Rows of each table that the revision touches, and of those that refer to it. Tables are named as in the catalog. */
  readonly rows: ReadonlyMap<string, number>
  /**
   * PostgreSQL, of a revision that is one transaction: where the rows of those tables lay. A table that is still there has its inserts and deletes
   * counted by the server, apart from those of others who write meanwhile.
   */
  readonly files?: ReadonlyMap<string, string>
}

/**
 * Something that must hold. Any function is one: it throws, or gives false or a sentence about what does not hold. With a name (`named()`, or
 * the function's own) messages can speak of it.
 */
export type Condition = (
  context: ConditionContext,
  // biome-ignore lint/suspicious/noConfusingVoidType: an async function that throws, or else gives nothing, is a condition
) => boolean | string | undefined | Promise<boolean | string | undefined | void>
