import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { killWhen, makeAgentDatabase, sampleDatabase } from '@drover-internal/agent-database'
import knex, { type Knex } from 'knex'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { messageFigures } from './figures.js'
import { backfillMessageTokens } from './message-tokens.js'

let folder: string
let filename: string
let db: Knex

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'drover-message-tokens-'))
})

afterEach(async () => {
  await db.destroy()
  await rm(folder, { recursive: true, force: true })
})

function open(file: string): void {
  filename = file
  db = knex({ client: 'better-sqlite3', connection: { filename }, useNullAsDefault: true })
}

async function insert(id: number, content: string, token_count = 0): Promise<void> {
  await db('conversation_history').insert({
    id,
    call_id: 'call-000001',
    message_order: id,
    role: 'user',
    content,
    token_count,
  })
}

async function deleteState(): Promise<void> {
  const tables: readonly string[] = await db('sqlite_master')
    .whereRaw("type = 'table' and name glob 'drover_*'")
    .pluck('name')
  expect(tables.length).toBeGreaterThan(0)
  for (const table of tables) await db.schema.dropTable(table)
}

describe('of 12,456 messages without a count', () => {
  beforeEach(async () => open(await sampleDatabase({ folder })))

  it('updates every one, in the lines of the document', async () => {
    const lines: string[] = []
    const report = await backfillMessageTokens({ database: filename, log: (line) => lines.push(line) })
    expect(report).toMatchObject({
      status: 'completed',
      guarantee: 'exactly-once',
      counts: { read: 12_456, written: 12_456, updated: 12_456, skipped: 0 },
    })
    expect(lines.slice(0, 5)).toEqual([
      'INFO: Found 12456 messages to backfill',
      'INFO: Updated 500 messages (batch 1, after id 0)',
      'INFO: Progress: 500/12456 (4.0%)',
      expect.stringMatching(/^INFO: Updated 500 messages \(batch 2, after id 50\d\)$/),
      'INFO: Progress: 1000/12456 (8.0%)',
    ])
    expect(lines.at(-2)).toBe('INFO: Progress: 12456/12456 (100.0%)')
    expect(lines.at(-1)).toBe('INFO: Backfill complete! Updated 12456 messages')
    expect(lines).toHaveLength(1 + 25 * 2 + 1)

    // SQLite's length counts code points too.
    const [wrong] = await db('conversation_history')
      .whereRaw("token_count <> case content when '' then 0 else max(1, length(content) / 4) end")
      .count({ count: '*' })
    expect(wrong?.count).toBe(0)
    const [sum] = await db('conversation_history').sum({ tokens: 'token_count' })
    expect(await messageFigures(filename)).toEqual({
      total_messages: 12_589,
      total_tokens: sum?.tokens,
      avg_tokens_per_message: Number(sum?.tokens) / 12_589,
    })
  })

  it('updates none in a full second pass without its state, then exactly those that are new', async () => {
    await backfillMessageTokens({ database: filename })
    await deleteState()
    const lines: string[] = []
    const second = await backfillMessageTokens({ database: filename, log: (line) => lines.push(line) })
    expect(second.counts).toMatchObject({ read: 0, updated: 0 })
    expect(lines).toEqual(['INFO: Found 0 messages to backfill', 'INFO: Backfill complete! Updated 0 messages'])

    // One of them in a gap in front of all others.
    for (const id of [-7, 20_001, 20_002]) await insert(id, 'twelve chars')
    expect((await backfillMessageTokens({ database: filename })).counts).toMatchObject({ read: 3, updated: 3 })
    expect(await db('conversation_history').whereIn('id', [-7, 20_001, 20_002]).pluck('token_count')).toEqual([3, 3, 3])
  })

  it('goes on where it was killed', async () => {
    const main = path.join(import.meta.dirname, 'main.ts')
    const printed = await killWhen(main, ['--database', filename, '--records-per-second', '8000'], /batch 8,/)
    expect(printed).toContain('INFO: Found 12456 messages to backfill')
    const [done] = await db('conversation_history').where('token_count', '>', 0).count({ count: '*' })
    const updated = Number(done?.count)
    expect(updated).toBeGreaterThanOrEqual(4_000)
    expect(updated).toBeLessThan(12_456)

    const lines: string[] = []
    const report = await backfillMessageTokens({ database: filename, log: (line) => lines.push(line) })
    expect(report).toMatchObject({ status: 'completed', counts: { read: 12_456, updated: 12_456 } })
    expect(report.attempt).toMatchObject({ resumed: true, counts: { read: 12_456 - updated } })
    expect(lines[0]).toBe(`INFO: Found 12456 messages to backfill, ${updated} of them done before`)
    expect(lines[1]).toMatch(new RegExp(`\\(batch ${updated / 500 + 1}, after id ${await lastIdOf(updated)}\\)`))
    expect(await db('conversation_history').where('token_count', 0).pluck('content')).toEqual(Array(133).fill(''))
  })

  it('takes another tokenizer', async () => {
    await backfillMessageTokens({ database: filename, countTokens: (content) => content.split(' ').length })
    const [message] = await db('conversation_history').where({ id: 1 })
    expect(message.token_count).toBe(message.content.split(' ').length)
  })
})

/** The id of the so many-th message with a content. */
async function lastIdOf(nth: number): Promise<number> {
  const [id] = await db('conversation_history')
    .whereNot('content', '')
    .orderBy('id')
    .offset(nth - 1)
    .limit(1)
    .pluck('id')
  return id
}

describe('of a few messages', () => {
  beforeEach(async () => {
    const file = path.join(folder, 'agent.db')
    await makeAgentDatabase({ filename: file, messages: 1 })
    open(file)
    await db('conversation_history').delete()
  })

  it('leaves the empty one alone, and gives every other a token at least', async () => {
    for (const [i, content] of ['', 'hi', '😀'.repeat(8), 'ninechars'].entries()) await insert(i + 1, content)
    expect((await backfillMessageTokens({ database: filename })).counts).toMatchObject({ read: 3, updated: 3 })
    expect(await db('conversation_history').orderBy('id').pluck('token_count')).toEqual([0, 1, 2, 2])
  })

  it('ends where a tokenizer gives the default, and leaves what the application counted meanwhile', async () => {
    await insert(1, 'counted as none')
    await insert(2, 'counted by the application')
    const countTokens = (content: string) => (content === 'counted as none' ? 0 : 5)
    await db.raw(`create trigger meanwhile after update on conversation_history when new.id = 1
      begin update conversation_history set token_count = 7777 where id = 2; end`)
    const { status, counts } = await backfillMessageTokens({ database: filename, countTokens })
    expect({ status, counts }).toMatchObject({ status: 'completed', counts: { read: 2, updated: 1, skipped: 1 } })
    expect(await db('conversation_history').orderBy('id').pluck('token_count')).toEqual([0, 7777])
  })

  it('says which migration is missing', async () => {
    await db.schema.alterTable('conversation_history', (table) => table.dropColumn('token_count'))
    await expect(backfillMessageTokens({ database: filename })).rejects.toMatchObject({
      code: 'REQUIREMENT_MISSING',
      message: expect.stringContaining('conversation_history.token_count'),
    })
  })
})
