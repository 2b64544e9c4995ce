import { type PostgresTransaction, postgresBackfill, postgresStateStore } from '@drover/adapter-postgres'
import { type CrashLife, type CrashPair, differences } from '@drover/conformance/crash'
import { type Backfiller, startBackfill } from '@drover/core'
import { type Head, herd } from '../herd.js'
import { beginTrial, headsAt, type PostgresPlace, placeOf, prepareHerd, rowsAt } from '../postgres-place.js'
import { ended, tokensIn } from './backfills.js'
import { heldBy } from './pipeline-pair.js'

const columns = `
  ALTER TABLE heads ADD COLUMN tokens int DEFAULT 0, ADD COLUMN touched int DEFAULT 0`

/** What a backfill leaves says how often each row was touched: more than once is wrong. */
function backfillPair(run: (place: PostgresPlace, life: CrashLife) => Promise<void>): CrashPair {
  return {
    prepare: (directory, random) => prepareHerd(directory, herd(random)),
    begin: (directory) => beginTrial(directory, columns),
    run: (directory, life) => run(placeOf(directory), life),
    compare: async (directory) => {
      const expected = (await headsAt(directory)).map(({ id, text }) => ({ id, tokens: tokensIn(text), touched: 1 }))
      return differences(expected, await rowsAt(directory, 'SELECT id, tokens, touched FROM heads'))
    },
  }
}

/** Without a predicate: a batch that happened twice would show. */
function byHand(schema: string): Backfiller<PostgresTransaction> {
  return {
    name: 'by-hand',
    version: '1',
    backfillBatch: async ({ after, limit, tx }) => {
      const { rows } = await tx.query<Pick<Head, 'id' | 'text'>>(
        `SELECT id, text FROM ${schema}.heads WHERE id > $1 ORDER BY id LIMIT $2`,
        [after ?? 0, limit],
      )
      const tokens = rows.map(({ text }) => tokensIn(text))
      await tx.query(
        `UPDATE ${schema}.heads SET tokens = t.tokens, touched = touched + 1
         FROM unnest($1::int[], $2::int[]) AS t (id, tokens) WHERE heads.id = t.id`,
        [rows.map(({ id }) => id), tokens],
      )
      return { scanned: rows.length, changed: rows.length, cursor: rows.at(-1)?.id ?? after, done: rows.length < limit }
    },
  }
}

export const postgresBackfills = {
  'postgres-backfill': backfillPair(async ({ connection, schema }, life) => {
    const backfiller = postgresBackfill<Head & { readonly touched: number }>({
      name: 'tokens',
      connection,
      stateSchema: schema,
      table: `${schema}.heads`,
      reads: ['text', 'touched'],
      sets: ['tokens', 'touched'],
      set: ({ text, touched }) => ({ tokens: tokensIn(text), touched: touched + 1 }),
    })
    await ended(startBackfill({ backfiller, batchSize: 100, again: 'nothing', ...heldBy(life) }), life)
  }),
  'postgres-backfill-sql': backfillPair(async ({ connection, schema }, life) => {
    const backfiller = postgresBackfill({
      name: 'tokens',
      connection,
      stateSchema: schema,
      table: `${schema}.heads`,
      sets: ['tokens', 'touched'],
      set: { tokens: 'greatest(1, char_length(text) / 4)', touched: 'touched + 1' },
    })
    await ended(startBackfill({ backfiller, batchSize: 100, parallel: 2, again: 'nothing', ...heldBy(life) }), life)
  }),
  'postgres-backfill-by-hand': backfillPair(async ({ connection, schema }, life) => {
    await using state = postgresStateStore({ connection, stateSchema: schema })
    await ended(
      startBackfill({ backfiller: byHand(schema), state, batchSize: 100, again: 'nothing', ...heldBy(life) }),
      life,
    )
  }),
}
