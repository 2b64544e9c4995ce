import type { Operation, Row } from '@drover/core'
import type { Knex } from 'knex'
import type { MigrationBackfill } from './backfill.js'
import type { Dialect } from './migration.js'
import type { SchemaChanges } from './schema-changes.js'

/** What `up` and `down` are given. */
export interface MigrationContext extends Operation {
  readonly dialect: Dialect
  /** Changes of the schema, for both databases. */
  readonly schema: SchemaChanges
  /** knex, bound to the revision's connection: `await knex('calls').where({ … }).update({ … })`. It has no part in transactions. */
  readonly knex: Knex
  /** One statement of your own, with `$1` or `?` as the database has it. Rows as objects. */
  sql(text: string, values?: readonly unknown[]): Promise<readonly Row[]>
  /** Changes rows batch by batch, throttled, and goes on after a kill. The revision commits before it and behind it. */
  backfill(backfill: MigrationBackfill): Promise<void>
  /** For the person: in the journal and the log. */
  note(sentence: string): void
  /** Nothing is there: what is written is written down, and what is read is empty. */
  readonly isPreview: boolean
}
