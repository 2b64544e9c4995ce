import type { Operation } from '@drover/core'
import type { Knex } from 'knex'
import { schemaChanges } from '../changes/schema-changes.js'
import type { MigrationContext } from '../contracts/migration-context.js'
import type { SchemaChanges } from '../contracts/schema-changes.js'
import type { Steps } from '../contracts/steps.js'
import { boundKnex } from '../database/bound-knex.js'
import { runStatements, statementThrough } from './statement-through.js'

/** What `up` and `down` are given: whatever they do goes through `steps`. */
export function migrationContext(steps: Steps, { signal }: Operation): MigrationContext {
  let knex: Knex | undefined
  let schema: SchemaChanges | undefined
  return {
    dialect: steps.dialect,
    isPreview: steps.isPreview,
    signal,
    get schema() {
      schema ??= schemaChanges(steps)
      return schema
    },
    get knex() {
      knex ??= boundKnex({
        dialect: steps.dialect,
        statement: (sql, values) => statementThrough(steps, sql, values),
      })
      return knex
    },
    sql: (text, values) => runStatements(steps, text, values),
    backfill: (backfill) => steps.backfill(backfill),
    note: (sentence) => steps.note(sentence),
  }
}
