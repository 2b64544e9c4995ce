import path from 'node:path'
import { killWhen, makeAgentTables } from '@drover-internal/agent-database'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { expect, it } from 'vitest'
import { messageFigures } from './figures.js'
import { backfillMessageTokens } from './message-tokens.js'

const right = `CASE content WHEN '' THEN 0 ELSE greatest(1, length(content) / 4) END`

describePostgres('of 12,456 messages without a count in PostgreSQL', () => {
  const database = useDatabase()

  it('updates every one once, though killed on the way, and none in a second pass', async () => {
    await makeAgentTables({ url: database.url, messages: 12_589 })
    // As the document writes it.
    const url = database.url.replace('postgres:', 'postgresql+asyncpg:')
    const main = path.join(import.meta.dirname, 'main.ts')
    const printed = await killWhen(main, ['--database', url, '--records-per-second', '8000'], /batch 8,/)
    expect(printed).toContain('INFO: Found 12456 messages to backfill')
    expect(printed).not.toContain(new URL(database.url).password || 'no password at all')
    const [done] = await database.query(
      'SELECT count(*)::int AS messages FROM conversation_history WHERE token_count > 0',
    )
    expect(done?.messages).toBeGreaterThanOrEqual(4_000)
    expect(done?.messages).toBeLessThan(12_456)

    const lines: string[] = []
    const log = (line: string) => void lines.push(line)
    const report = await backfillMessageTokens({ database: url, log })
    expect(report).toMatchObject({
      status: 'completed',
      guarantee: 'exactly-once',
      counts: { read: 12_456, updated: 12_456, skipped: 0 },
      attempt: { resumed: true, counts: { read: 12_456 - done?.messages } },
    })
    expect(lines[0]).toBe(`INFO: Found 12456 messages to backfill, ${done?.messages} of them done before`)
    expect(lines[1]).toMatch(
      new RegExp(`^INFO: Updated 500 messages \\(batch ${done?.messages / 500 + 1}, after id \\d+\\)$`),
    )
    expect(lines.slice(-2)).toEqual([
      'INFO: Progress: 12456/12456 (100.0%)',
      'INFO: Backfill complete! Updated 12456 messages',
    ])
    const [{ wrong, ...figures } = {}] = await database.query(`
      SELECT count(*) FILTER (WHERE token_count <> ${right})::int AS wrong, count(*)::int AS total_messages,
        sum(token_count)::int AS total_tokens, avg(token_count)::float AS avg_tokens_per_message FROM conversation_history`)
    expect(wrong).toBe(0)
    expect(await messageFigures(url)).toEqual(figures)

    await database.query('DELETE FROM drover_runs')
    expect((await backfillMessageTokens({ database: url })).counts).toMatchObject({ read: 0, updated: 0 })
    await database.query(`INSERT INTO conversation_history (id, call_id, message_order, role, content)
      SELECT id, 'call-000001', 99, 'user', 'twelve chars' FROM (VALUES (-7), (20001)) AS new (id)`)
    expect((await backfillMessageTokens({ database: url })).counts).toMatchObject({ read: 2, updated: 2 })
  })

  it('says which migration is missing', async () => {
    await database.query('ALTER TABLE conversation_history DROP COLUMN token_count')
    await expect(backfillMessageTokens({ database: database.url })).rejects.toMatchObject({
      code: 'REQUIREMENT_MISSING',
      message: expect.stringContaining('conversation_history.token_count'),
    })
  })
})
