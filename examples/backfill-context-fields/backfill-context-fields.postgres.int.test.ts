import { backfillMessageTokens } from '@drover-examples/backfill-message-tokens'
import { makeAgentTables } from '@drover-internal/agent-database'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { expect, it } from 'vitest'
import { backfillContextFields } from './context-fields.js'
import { callFigures } from './figures.js'

describePostgres('of the calls of the sample in PostgreSQL', () => {
  const database = useDatabase()

  const addCall = (call_id: string, messages: number, tokens: number, created_at: string | null) =>
    database.query(
      `WITH added AS (
         INSERT INTO calls (call_id, phone_number, status, initial_tier, created_at)
           VALUES ($1, '1', 'completed', 'standard', now() - $4::interval) RETURNING call_id)
       INSERT INTO conversation_history (call_id, message_order, role, content, token_count)
         SELECT call_id, i, 'user', 'x', CASE i WHEN 1 THEN $3 - $2 + 1 ELSE 1 END FROM added, generate_series(1, $2::int) AS i`,
      [call_id, messages, tokens, created_at],
    )
  const fieldsOf = async (call_id: string) => {
    const [fields] = await database.query(
      'SELECT context_pruned, pruning_count, total_context_tokens FROM calls WHERE call_id = $1',
      [call_id],
    )
    return Object.values(fields ?? {})
  }

  it('fills those that are older than an hour by the server, and counts those without a date', async () => {
    await makeAgentTables({ url: database.url, messages: 12_589 })
    await addCall('a', 21, 8_000, '61 minutes')
    await addCall('b', 20, 8_001, '61 minutes')
    await addCall('c', 21, 23_999, '61 minutes')
    await addCall('d', 21, 24_000, '61 minutes')
    await addCall('active', 30, 9_000, '59 minutes')
    await addCall('undated', 30, 9_000, null)
    await addCall('silent', 0, 0, '61 minutes')
    await expect(backfillContextFields({ database: database.url })).rejects.toMatchObject({
      code: 'DEPENDENCY_UNFINISHED',
    })

    await backfillMessageTokens({ database: database.url })
    const lines: string[] = []
    const log = (line: string) => void lines.push(line)
    const { status, guarantee, counts } = await backfillContextFields({ database: database.url, log })
    const [calls] = await database.query(`
      SELECT count(*)::int AS all, count(*) FILTER (WHERE total_context_tokens > 0)::int AS filled FROM calls`)
    expect({ status, guarantee, counts }).toMatchObject({
      status: 'completed',
      guarantee: 'exactly-once',
      counts: { read: calls?.all - 1, updated: calls?.filled, skipped: 2 },
    })
    expect(calls?.filled).toBe(calls?.all - 3)
    expect(lines[0]).toBe(`INFO: Found ${calls?.all - 1} calls to backfill`)
    expect(lines.at(-1)).toBe(`INFO: Backfill complete! Updated ${calls?.filled} calls`)
    expect(await fieldsOf('a')).toEqual([false, 0, 8_000])
    expect(await fieldsOf('b')).toEqual([false, 0, 8_001])
    expect(await fieldsOf('c')).toEqual([true, 1, 23_999])
    expect(await fieldsOf('d')).toEqual([true, 2, 24_000])
    for (const alone of ['active', 'undated', 'silent']) expect(await fieldsOf(alone)).toEqual([false, 0, 0])
    const [wrong] = await database.query(`
      WITH told AS (
        SELECT call_id, count(*) AS messages, sum(token_count) AS tokens FROM conversation_history GROUP BY call_id
      )
      SELECT count(*)::int AS calls FROM calls JOIN told USING (call_id)
      WHERE call_id NOT IN ('active', 'undated') AND (total_context_tokens <> tokens
        OR context_pruned <> (messages > 20 AND tokens > 8000)
        OR pruning_count <> CASE WHEN messages > 20 AND tokens > 8000 THEN greatest(1, (tokens - 8000) / 8000) ELSE 0 END)`)
    expect(wrong?.calls).toBe(0)

    const [figures] = await database.query(`
      SELECT count(*)::int AS total, count(*) FILTER (WHERE context_pruned)::int AS pruned, 1 AS undated,
        avg(total_context_tokens)::float AS avg_tokens FROM calls WHERE call_id NOT IN ('active', 'undated')`)
    expect(await callFigures(database.url)).toEqual(figures)

    await database.query(
      `UPDATE calls SET created_at = now() - interval '61 minutes' WHERE call_id IN ('active', 'undated')`,
    )
    expect((await backfillContextFields({ database: database.url })).counts).toMatchObject({ updated: 2 })
    expect(await fieldsOf('active')).toEqual([true, 1, 9_000])
  })
})
