import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { messagesOf } from '@drover-internal/agent-database'
import knex from 'knex'
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { childPackages } from '../../tooling/child-packages.js'

const main = path.join(import.meta.dirname, 'main.ts')
const tsx = import.meta.resolve('tsx')
const packages = path.resolve(import.meta.dirname, '../../tooling/with-child-packages.mjs')

let parent: string
let folder: string

beforeAll(() => void childPackages('cli', { bin: 'src/bin.ts' }))

beforeEach(async () => {
  parent = await mkdtemp(path.join(tmpdir(), 'drover-demo-test-'))
  folder = path.join(parent, 'made')
})

afterEach(() => rm(parent, { recursive: true, force: true }))

function demo(...args: string[]): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', packages, '--import', tsx, main, '--folder', folder, ...args],
    { encoding: 'utf8', cwd: parent },
  )
  return { status, output: stdout + stderr }
}

it('copies every record once through a kill, as a comparison by other means finds too', {
  timeout: 120_000,
}, async () => {
  const { status, output } = demo('--messages', '8000')
  expect(status, output).toBe(0)
  for (const name of ['messages.ndjson', 'copy.db']) {
    const [, killedAt = '0', resumedBehind = '0'] =
      new RegExp(`${name}: killed by SIGKILL at ([\\d,]+) records; resumed behind ([\\d,]+)`).exec(output) ?? []
    expect(numberOf(killedAt)).toBeGreaterThanOrEqual(2_400)
    expect(numberOf(resumedBehind)).toBeGreaterThanOrEqual(numberOf(killedAt))
  }
  expect(output).toContain('Every record arrived once, and as it left.')
  expect(output).toMatch(
    /drover run messages\.yaml --records-per-second 3600\n[\s\S]*│ SIGINT: ending the batch in hand[\s\S]*│ Go on with: drover run messages\.yaml --records-per-second 3600\n[\s\S]*— The same command again[\s\S]*, resumed\n[\s\S]*│ verification: both sides are the same/,
  )
  for (const name of ['agent.db', 'messages.ndjson', 'copy.db', 'messages.yaml', 'archive.db'])
    expect(output).toContain(path.join(folder, name))

  const expected = await rowsOf(
    'agent.db',
    `select * from conversation_history where role <> 'debug' and content <> '' order by id`,
  )
  const lines = (await readFile(path.join(folder, 'messages.ndjson'), 'utf8')).trim().split('\n')
  const inFile = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  const inDatabase = await rowsOf('copy.db', 'select * from messages order by id')
  expect(inFile.map(({ metadata: _, ...rest }) => rest)).toEqual(expected.map(moved))
  const inArchive = await rowsOf('archive.db', 'select * from messages order by id')
  expect(inArchive.map(({ metadata: _, ...rest }) => rest)).toEqual(expected.map(moved))
  expect(inDatabase.map(({ metadata: _, ...rest }) => rest)).toEqual(expected.map(moved))
  expect(new Set(inFile.map(({ metadata }) => JSON.stringify(metadata))).size).toBe(1)
  expect(new Set(inDatabase.map(({ metadata }) => metadata)).size).toBe(1)
  expect(expected.every(({ token_count }) => Number(token_count) > 0)).toBe(true)
})

it('fails if a copy differs, and says where', { timeout: 120_000 }, () => {
  const { status, output } = demo('--messages', '2000', '--tamper')
  expect(status, output).toBe(1)
  expect(output).toMatch(/messages\.ndjson: ([\d,]+) of \1 records, 0 missing, 0 extra, 1 different/)
  expect(output).toMatch(/copy\.db: ([\d,]+) of \1 records, 0 missing, 0 extra, 1 different/)
  expect(output).toMatch(/drover verify: the sides differ; see above, exit code 1/)
  expect(output).not.toContain('Every record arrived')
})

it('is made of the same messages for the same seed', () => {
  const until = new Date('2025-01-31T08:30:00Z')
  const [first, same, other] = [7, 7, 8].map((seed) => [...messagesOf(200, seed, until)])
  expect(same).toEqual(first)
  expect(other).not.toEqual(first)
})

it('touches no folder that has something in it', async () => {
  await writeFile(path.join(parent, 'mine'), 'x')
  folder = parent
  const { status, output } = demo('--messages', '100')
  expect(status).toBe(1)
  expect(output).toContain('is not empty')
})

function numberOf(text: string): number {
  return Number(text.replaceAll(',', ''))
}

async function rowsOf(file: string, sql: string): Promise<Record<string, unknown>[]> {
  const db = knex({
    client: 'better-sqlite3',
    connection: { filename: path.join(folder, file) },
    useNullAsDefault: true,
  })
  try {
    return await db.raw(sql)
  } finally {
    await db.destroy()
  }
}

/** What the steps make of a row, by other code: `2025-01-31 08:30:00.123000` is `2025-01-31T08:30:00.123000Z`. */
function moved({ importance_score: _, created_at, ...row }: Record<string, unknown>): Record<string, unknown> {
  const { id, call_id, message_order, role, content, agent_type, agent_state, ...rest } = row
  const at = `${String(created_at).replace(' ', 'T')}Z`
  return { id, call_id, message_order, role, content, agent_type, agent_state, created_at: at, ...rest }
}
