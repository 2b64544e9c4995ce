import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { backfillMessageTokens } from '@drover-examples/backfill-message-tokens'
import { killWhen, makeAgentDatabase, sampleDatabase } from '@drover-internal/agent-database'
import knex, { type Knex } from 'knex'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { backfillContextFields } from './context-fields.js'
import { callFigures } from './figures.js'

const fields = ['context_pruned', 'pruning_count', 'total_context_tokens'] as const
const hour = 3_600_000

let folder: string
let filename: string
let db: Knex

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'drover-context-fields-'))
})

afterEach(async () => {
  await db.destroy()
  await rm(folder, { recursive: true, force: true })
})

function open(file: string): void {
  filename = file
  db = knex({ client: 'better-sqlite3', connection: { filename }, useNullAsDefault: true })
}

/** As the application writes it: UTC, microseconds. */
function ago(ms: number): string {
  return `${new Date(Date.now() - ms).toISOString().slice(0, 23).replace('T', ' ')}000`
}

/** A call with so many messages that have so many tokens together. */
async function addCall(call_id: string, messages: number, tokens: number, created_at: string | null): Promise<void> {
  await db('calls').insert({ call_id, phone_number: '1', status: 'completed', created_at })
  for (let i = 0; i < messages; i++) {
    const token_count = i === 0 ? tokens - (messages - 1) : 1
    await db('conversation_history').insert({
      call_id,
      message_order: i + 1,
      role: 'user',
      content: 'x',
      token_count,
      created_at,
    })
  }
}

async function call(call_id: string): Promise<Record<string, unknown>> {
  return db('calls')
    .where({ call_id })
    .select(...fields)
    .first()
}

describe('of the calls of the sample', () => {
  let calls: number

  beforeEach(async () => {
    open(await sampleDatabase({ folder }))
    await backfillMessageTokens({ database: filename })
    const [waiting] = await db('conversation_history').where('token_count', '>', 0).countDistinct({ count: 'call_id' })
    calls = Number(waiting?.count)
  })

  it('updates every one that has tokens, in the lines of the document', async () => {
    const lines: string[] = []
    const report = await backfillContextFields({ database: filename, log: (line) => lines.push(line) })
    expect(report).toMatchObject({
      status: 'completed',
      guarantee: 'exactly-once',
      counts: { updated: calls, skipped: 0 },
    })
    const found = report.counts.read
    expect(lines.slice(0, 3)).toEqual([
      `INFO: Found ${found} calls to backfill`,
      expect.stringMatching(/^INFO: Updated (100|9\d) calls \(batch 1, after id 0\)$/),
      `INFO: Progress: 100/${found} (${((100 / found) * 100).toFixed(1)}%)`,
    ])
    expect(lines.at(-1)).toBe(`INFO: Backfill complete! Updated ${calls} calls`)

    const [wrong] = await db.raw(`
      with told as (
        select call_id, count(*) as messages, sum(token_count) as tokens from conversation_history group by call_id
      )
      select count(*) as count from calls join told using (call_id)
      where total_context_tokens <> tokens
        or context_pruned <> (messages > 20 and tokens > 8000)
        or pruning_count <> iif(messages > 20 and tokens > 8000, max(1, (tokens - 8000) / 8000), 0)`)
    expect(wrong.count).toBe(0)

    const figures = await callFigures(filename)
    expect(figures.total).toBe((await db('calls')).length)
    expect(figures.pruned).toBe((await db('calls').where({ context_pruned: 1 })).length)
    const [average] = await db('calls').avg({ tokens: 'total_context_tokens' })
    expect(figures.avg_tokens).toBeCloseTo(Number(average?.tokens), 6)
  })

  it('updates none in a full second pass without its state, then exactly the one that has passed the hour', async () => {
    await addCall('active', 30, 9_000, ago(hour / 2))
    await backfillContextFields({ database: filename })
    expect(await call('active')).toEqual({ context_pruned: 0, pruning_count: 0, total_context_tokens: 0 })

    await db('drover_runs').where({ name: 'backfill-context-fields' }).delete()
    expect((await backfillContextFields({ database: filename })).counts.updated).toBe(0)

    await db('calls')
      .where({ call_id: 'active' })
      .update({ created_at: ago(hour + 1_000) })
    expect((await backfillContextFields({ database: filename })).counts.updated).toBe(1)
    expect(await call('active')).toEqual({ context_pruned: 1, pruning_count: 1, total_context_tokens: 9_000 })
  })

  it('goes on where it was killed', async () => {
    const main = path.join(import.meta.dirname, 'main.ts')
    await killWhen(main, ['--database', filename, '--records-per-second', '400'], /batch 2,/)
    const [done] = await db('calls').where('total_context_tokens', '>', 0).count({ count: '*' })
    const updated = Number(done?.count)
    expect(updated).toBeGreaterThan(100)
    expect(updated).toBeLessThan(calls)
    const report = await backfillContextFields({ database: filename })
    expect(report.attempt).toMatchObject({ resumed: true, counts: { updated: calls - updated } })
    expect(report).toMatchObject({ status: 'completed', counts: { updated: calls } })
  })
})

describe('of a few calls', () => {
  beforeEach(async () => {
    const file = path.join(folder, 'agent.db')
    await makeAgentDatabase({ filename: file, messages: 1 })
    open(file)
    await db('conversation_history').delete()
    await db('calls').delete()
  })

  it('decides by messages and tokens, and leaves calls without a date or without tokens alone', async () => {
    await addCall('a', 21, 8_000, ago(2 * hour))
    await addCall('b', 20, 8_001, ago(2 * hour))
    await addCall('c', 21, 8_001, ago(2 * hour))
    await addCall('d', 21, 23_999, ago(2 * hour))
    await addCall('e', 21, 24_000, ago(2 * hour))
    await addCall('undated', 21, 24_000, null)
    await addCall('silent', 0, 0, ago(2 * hour))
    await backfillMessageTokens({ database: filename })
    const { counts } = await backfillContextFields({ database: filename })
    expect(counts).toMatchObject({ read: 7, written: 7, updated: 5, skipped: 2 })
    expect(await callFigures(filename)).toMatchObject({ total: 6, pruned: 3, undated: 1 })
    expect(
      await db('calls')
        .orderBy('id')
        .select('call_id', ...fields),
    ).toEqual([
      { call_id: 'a', context_pruned: 0, pruning_count: 0, total_context_tokens: 8_000 },
      { call_id: 'b', context_pruned: 0, pruning_count: 0, total_context_tokens: 8_001 },
      { call_id: 'c', context_pruned: 1, pruning_count: 1, total_context_tokens: 8_001 },
      { call_id: 'd', context_pruned: 1, pruning_count: 1, total_context_tokens: 23_999 },
      { call_id: 'e', context_pruned: 1, pruning_count: 2, total_context_tokens: 24_000 },
      { call_id: 'undated', context_pruned: 0, pruning_count: 0, total_context_tokens: 0 },
      { call_id: 'silent', context_pruned: 0, pruning_count: 0, total_context_tokens: 0 },
    ])
  })

  it('leaves what the application wrote meanwhile', async () => {
    await addCall('a', 21, 24_000, ago(2 * hour))
    await addCall('b', 21, 24_000, ago(2 * hour))
    await backfillMessageTokens({ database: filename })
    await db.raw(`create trigger meanwhile after update on calls when new.call_id = 'a'
      begin update calls set pruning_count = 77 where call_id = 'b'; end`)
    expect((await backfillContextFields({ database: filename })).counts).toMatchObject({
      read: 2,
      updated: 1,
      skipped: 1,
    })
    expect(await call('b')).toEqual({ context_pruned: 0, pruning_count: 77, total_context_tokens: 0 })
  })

  it('does not begin before the message tokens are there', async () => {
    await expect(backfillContextFields({ database: filename })).rejects.toMatchObject({ code: 'DEPENDENCY_UNFINISHED' })
  })
})
