import { join } from 'node:path'
import { sqliteBackfill, sqliteStateStore } from '@drover/adapter-sqlite'
import { type CrashLife, type CrashPair, differences } from '@drover/conformance/crash'
import { type Backfiller, type LiveRun, startBackfill } from '@drover/core'
import Database from 'better-sqlite3'
import type { Knex } from 'knex'
import { type Head, herd } from '../herd.js'
import { headsIn, rowsIn, writeHerd } from '../sqlite-files.js'
import { heldBy } from './pipeline-pair.js'

/** What a backfill leaves says how often each row was touched: more than once is wrong. */
function backfillPair(run: (file: string, life: CrashLife) => Promise<void>, heads?: number): CrashPair {
  return {
    prepare: async (directory, random) => {
      const file = join(directory, 'herd.db')
      writeHerd(file, herd(random, heads))
      const database = new Database(file)
      database.exec(
        'ALTER TABLE heads ADD COLUMN tokens INTEGER DEFAULT 0; ALTER TABLE heads ADD COLUMN touched INTEGER DEFAULT 0',
      )
      database.close()
    },
    run: (directory, life) => run(join(directory, 'herd.db'), life),
    compare: async (directory) => {
      const file = join(directory, 'herd.db')
      const expected = headsIn(file).map(({ id, text }) => ({ id, tokens: tokensIn(text), touched: 1 }))
      return differences(expected, rowsIn(file, 'SELECT id, tokens, touched FROM heads'))
    },
  }
}

export function tokensIn(text: string): number {
  return Math.max(1, Math.floor([...text].length / 4))
}

/** Without a predicate: a batch that happened twice would show. */
function byHand(): Backfiller<Knex.Transaction> {
  return {
    name: 'by-hand',
    version: '1',
    backfillBatch: async ({ after, limit, tx }) => {
      const rows = await tx('heads')
        .select<Pick<Head, 'id' | 'text'>[]>('id', 'text')
        .where('id', '>', Number(after ?? 0))
        .orderBy('id')
        .limit(limit)
      for (const { id, text } of rows) {
        await tx('heads')
          .where({ id })
          .update({ tokens: tokensIn(text), touched: tx.raw('touched + 1') })
      }
      return { scanned: rows.length, changed: rows.length, cursor: rows.at(-1)?.id ?? after, done: rows.length < limit }
    },
  }
}

export async function ended(live: LiveRun, life: CrashLife): Promise<void> {
  live.events.on('batch:committed', () => life.committed())
  await live.result
}

export const backfills = {
  'sqlite-backfill': backfillPair(async (filename, life) => {
    const backfiller = sqliteBackfill<Head & { readonly touched: number }>({
      name: 'tokens',
      filename,
      driver: life.chance < 0.5 ? 'better-sqlite3' : 'sqlite3',
      table: 'heads',
      reads: ['text', 'touched'],
      sets: ['tokens', 'touched'],
      set: ({ text, touched }) => ({ tokens: tokensIn(text), touched: touched + 1 }),
    })
    await ended(startBackfill({ backfiller, batchSize: 100, again: 'nothing', ...heldBy(life) }), life)
  }),
  // A statement for each row takes its time: with fewer rows there are more kills.
  'backfill-by-hand': backfillPair(async (filename, life) => {
    await using state = sqliteStateStore({ filename, driver: life.chance < 0.5 ? 'better-sqlite3' : 'sqlite3' })
    await ended(startBackfill({ backfiller: byHand(), state, batchSize: 50, again: 'nothing', ...heldBy(life) }), life)
  }, 600),
}
