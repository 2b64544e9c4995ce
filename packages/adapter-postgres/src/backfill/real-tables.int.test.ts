import { backfillTask, ensureFinished, onStartup, runBackfill } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { postgresStateStore } from '../state/postgres-state-store.js'
import { TestSchema } from '../testing/test-schema.js'
import { postgresBackfill } from './postgres-backfill.js'

/** Tables of a voice agent: messages refer to their call by its text id, and a migration has added what is to be filled. */
const tables = `
  CREATE TABLE @calls (
    id serial PRIMARY KEY, call_id varchar(255) NOT NULL UNIQUE, phone_number varchar(20) NOT NULL, status varchar(50) NOT NULL,
    lead_data json, created_at timestamptz DEFAULT now(), updated_at timestamptz);
  CREATE TABLE @conversation_history (
    id serial PRIMARY KEY, call_id varchar(255) NOT NULL REFERENCES @calls (call_id), message_order int NOT NULL,
    role varchar(20) NOT NULL, content text NOT NULL, agent_state json, created_at timestamptz DEFAULT now());
  ALTER TABLE @calls ADD COLUMN context_pruned boolean NOT NULL DEFAULT false, ADD COLUMN pruning_count int NOT NULL DEFAULT 0,
    ADD COLUMN total_context_tokens int NOT NULL DEFAULT 0;
  ALTER TABLE @conversation_history ADD COLUMN importance_score float NOT NULL DEFAULT 0.0, ADD COLUMN token_count int NOT NULL DEFAULT 0;
  CREATE INDEX ON @calls (context_pruned, total_context_tokens);
  CREATE INDEX ON @conversation_history (token_count);
  CREATE INDEX ON @conversation_history (call_id, importance_score);
`

/** 400 calls of 0 to 39 messages, all older than an hour but the last ten; every 50th has no date. */
const sample = `
  INSERT INTO @calls (call_id, phone_number, status, created_at)
    SELECT 'call-' || i, '1', 'completed', CASE WHEN i % 50 = 0 THEN NULL WHEN i > 390 THEN now() - interval '59 minutes'
      ELSE now() - interval '61 minutes' - i * interval '1 hour' END FROM generate_series(1, 400) AS i;
  INSERT INTO @conversation_history (call_id, message_order, role, content)
    SELECT 'call-' || i, m, 'user', CASE WHEN m = 3 THEN '' ELSE repeat('ä😀xy', 100 * (1 + i % 7)) END
    FROM generate_series(1, 400) AS i CROSS JOIN generate_series(1, 39) AS m WHERE m <= i % 40;
`

describePostgres('the backfills of a voice agent', () => {
  const database = useDatabase()
  let place: TestSchema

  beforeEach(async () => {
    place = await TestSchema.create(database)
    await exec(tables)
    await exec(sample)
  })

  afterEach(() => place[Symbol.asyncDispose]())

  const own = (text: string): string => text.replaceAll('@', `${place.name}.`)
  const exec = (sql: string) => database.query(own(sql))
  const where = () => ({ connection: database.url, stateSchema: place.name })

  const messageTokens = () =>
    postgresBackfill<{ content: string }>({
      ...where(),
      name: 'message-tokens',
      table: own('@conversation_history'),
      requires: [own('@conversation_history.token_count')],
      where: { token_count: { eq: 0 }, content: { ne: '' } },
      reads: ['content'],
      sets: ['token_count'],
      set: ({ content }) => ({ token_count: Math.max(1, Math.floor([...content].length / 4)) }),
      batchSize: 500,
    })

  const ofCall = () => own('FROM @conversation_history AS m WHERE m.call_id = calls.call_id')
  /** By the clock of the server. Calls without a date are read, to be counted, and left alone. */
  const contextFields = () =>
    postgresBackfill<{ dated: boolean; messages: number; tokens: number }>({
      ...where(),
      name: 'context-fields',
      table: own('@calls'),
      requires: [own('@calls.context_pruned'), own('@conversation_history.token_count')],
      where: `NOT context_pruned AND pruning_count = 0 AND total_context_tokens = 0
        AND (created_at < now() - interval '1 hour' OR created_at IS NULL)`,
      reads: {
        dated: 'created_at IS NOT NULL',
        messages: `SELECT count(*) ${ofCall()}`,
        tokens: `SELECT coalesce(sum(m.token_count), 0) ${ofCall()}`,
      },
      sets: ['context_pruned', 'pruning_count', 'total_context_tokens'],
      set: ({ dated, messages, tokens }) => {
        if (!dated || tokens === 0) return null
        const isPruned = messages > 20 && tokens > 8_000
        return {
          context_pruned: isPruned,
          pruning_count: isPruned ? Math.max(1, Math.floor((tokens - 8_000) / 8_000)) : 0,
          total_context_tokens: tokens,
        }
      },
      batchSize: 100,
    })

  it('fill each column once, in order, and leave calls that are young or without a date alone', async () => {
    await using state = postgresStateStore(where())
    await expect(runBackfill({ backfiller: contextFields(), dependsOn: ['message-tokens'] })).rejects.toMatchObject({
      code: 'DEPENDENCY_UNFINISHED',
    })
    await expect(ensureFinished('context-fields', { state })).rejects.toMatchObject({ code: 'DEPENDENCY_UNFINISHED' })
    const start = () =>
      onStartup({
        state,
        tasks: [
          backfillTask({ backfiller: messageTokens() }),
          backfillTask({ backfiller: contextFields(), dependsOn: ['message-tokens'] }),
        ],
        whenHeld: 'wait',
      })
    const { tasks } = await start()
    const [expected] = await exec(`
      SELECT (SELECT count(*)::int FROM @conversation_history WHERE content <> '') AS messages,
        (SELECT count(*)::int FROM @calls WHERE created_at < now() - interval '1 hour' AND call_id IN (SELECT call_id FROM @conversation_history)) AS dated,
        (SELECT count(*)::int FROM @calls WHERE created_at IS NULL) AS undated`)
    expect(tasks[0]).toMatchObject({
      status: 'completed',
      report: {
        guarantee: 'exactly-once',
        counts: { read: expected?.messages, updated: expected?.messages, skipped: 0 },
      },
    })
    expect(tasks[1]?.report?.counts).toMatchObject({ updated: expected?.dated })
    expect(tasks[1]?.report?.counts.skipped).toBeGreaterThanOrEqual(expected?.undated)

    const wrong = await exec(
      `
      WITH told AS (SELECT call_id, count(*) AS messages, sum(greatest(1, length(content) / 4)) FILTER (WHERE content <> '') AS tokens
        FROM @conversation_history GROUP BY call_id),
      right AS (SELECT c.*, CASE WHEN created_at < now() - interval '1 hour' THEN coalesce(tokens, 0) ELSE 0 END AS sum,
        created_at < now() - interval '1 hour' AND messages > 20 AND tokens > 8000 AS pruned FROM @calls AS c LEFT JOIN told USING (call_id))
      SELECT * FROM "right" WHERE total_context_tokens <> sum OR context_pruned <> coalesce(pruned, false)
        OR pruning_count <> CASE WHEN pruned THEN greatest(1, (sum - 8000) / 8000) ELSE 0 END`.replace(
        'right AS',
        '"right" AS',
      ),
    )
    expect(wrong).toEqual([])
    const [some] = await exec('SELECT count(*)::int AS pruned FROM @calls WHERE context_pruned')
    expect(some?.pruned).toBeGreaterThan(20)

    await ensureFinished('context-fields', { state })
    expect((await start()).tasks.map(({ status }) => status)).toEqual(['nothing', 'nothing'])
    expect((await runBackfill({ backfiller: messageTokens() })).counts).toMatchObject({ read: 0 })
    await exec(`UPDATE @calls SET created_at = now() - interval '61 minutes' WHERE call_id = 'call-399'`)
    expect((await runBackfill({ backfiller: contextFields() })).counts).toMatchObject({ updated: 1 })
  })
})
