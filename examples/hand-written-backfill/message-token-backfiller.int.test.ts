import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { backfillerSuite } from '@drover/conformance'
import { makeAgentDatabase } from '@drover-internal/agent-database'
import knex, { type Knex } from 'knex'
import { MessageTokenBackfiller } from './message-token-backfiller.js'

// What every backfiller has to pass: cursors, limits, a second pass, batches that are rolled back.
backfillerSuite<Knex.Transaction>('the backfiller written by hand', {
  capabilities: { count: 'exact', transactional: true },
  create: async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'drover-hand-written-'))
    const filename = path.join(folder, 'agent.db')
    await makeAgentDatabase({ filename, messages: 1 })
    const db = knex({
      client: 'better-sqlite3',
      connection: { filename },
      useNullAsDefault: true,
      pool: { min: 1, max: 1 },
    })
    await db('conversation_history').delete()
    const all = () => db('conversation_history').select('id', 'content', 'token_count').orderBy('id')
    let next = 1
    return {
      open: () => new MessageTokenBackfiller(filename),
      seed: async (waiting) => {
        for (let i = 0; i < waiting; i++) {
          await add(db, next++, `${'naïve '.repeat(i % 7)}text`, 0)
          if (i % 3 === 0) await add(db, next++, '', 0)
          if (i % 5 === 0) await add(db, next++, 'counted already', 99)
        }
      },
      contents: all,
      // The same sum in SQL: SQLite's length counts code points.
      expected: () =>
        db('conversation_history')
          .select('id', 'content')
          .select({
            token_count: db.raw(
              "case when token_count > 0 or content = '' then token_count else max(1, length(content) / 4) end",
            ),
          })
          .orderBy('id'),
      transaction: (work) => db.transaction(work),
      [Symbol.asyncDispose]: async () => {
        await db.destroy()
        await rm(folder, { recursive: true, force: true })
      },
    }
  },
})

async function add(db: Knex, id: number, content: string, token_count: number): Promise<void> {
  await db('conversation_history').insert({
    id,
    call_id: 'call-000001',
    message_order: id,
    role: 'user',
    content,
    token_count,
  })
}
