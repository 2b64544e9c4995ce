import { readFileSync } from 'node:fs'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { afterEach, expect, test, vi } from 'vitest'
import { drover, events } from '../testing/command.js'
import { change, rowsOf } from '../testing/messages.js'
import { type TestFolder, useFolder } from '../testing/test-folder.js'

const folder: TestFolder = useFolder()

/** Three revisions in a row, as people write them. */
function writeRevisions(name = 'migrations'): string {
  const revision = (id: string, more: string): void => {
    folder.write(
      `${name}/${id}.ts`,
      `import type { Migration } from '@drover/schema'\n\nexport default {\n  id: '${id}',\n${more}} satisfies Migration\n`,
    )
  }
  revision(
    '001_calls',
    `  description: 'Calls',
  up: async ({ sql }) => { await sql('CREATE TABLE calls (id INTEGER PRIMARY KEY, status TEXT NOT NULL)') },
  down: async ({ schema }) => schema.dropTable('calls'),
`,
  )
  revision(
    '002_context',
    `  dependsOn: '001_calls',
  actions: ['run backfill_context_fields'],
  up: async ({ schema }) => schema.addColumn('calls', 'pruning_count', { type: 'integer', nullable: false, default: 0 }),
  down: async ({ schema }) => schema.dropColumn('calls', 'pruning_count'),
`,
  )
  revision(
    '003_index',
    `  dependsOn: '002_context',
  assured: { 'index-not-concurrent': 'the table is small' },
  up: async ({ schema }) => schema.createIndex('calls', { name: 'ix_calls_status', columns: ['status'] }),
  down: async ({ schema }) => schema.dropIndex('ix_calls_status'),
`,
  )
  return folder.file(name)
}

let databases = 0
function fresh(): string {
  databases++
  return folder.file(`calls-${databases}.db`)
}

const migrations = writeRevisions()

function schema(url: string, ...args: string[]) {
  return drover(['schema', ...args, '--url', url, '--migrations', migrations])
}

afterEach(() => vi.unstubAllEnvs())

test('brings a database up, back and up again, in the words of the guide', async () => {
  const url = fresh()
  const applied = await schema(url, 'upgrade', 'head')
  expect(applied).toMatchObject({ code: 0 })
  expect(applied.stdout).toContain('applied: 001_calls (1 step')
  expect(applied.stdout).toContain('The database is at 003_index.\nTo be done now:\n  run backfill_context_fields\n')
  expect(await schema(url, 'current')).toEqual({ code: 0, stdout: '003_index (head)\n', stderr: '' })

  expect((await schema(url, 'downgrade', '-1')).stdout).toContain('taken back: 003_index')
  const current = await schema(url, 'current', '--check-heads')
  expect(current).toEqual({ code: 1, stdout: '002_context\n', stderr: '1 pending: 003_index\n' })

  expect((await schema(url, 'up', '003')).code).toBe(0)
  expect((await schema(url, 'up')).stdout).toBe('Nothing to do: the database is at 003_index.\n')
  expect((await schema(url, 'down', 'base')).stdout).toContain('The database is at base.')
  expect((await schema(url, 'current')).stdout).toBe('base (nothing is applied)\n')
})

test('says what is lost before it happens, and only loses what is accepted', async () => {
  const url = fresh()
  await schema(url, 'up')
  change(url, "INSERT INTO calls (status, pruning_count) VALUES ('done', 0), ('done', 4), ('done', 5)")
  const said = 'LOST: calls.pruning_count, which 002_context drops: 2 rows that hold something else than the default'

  const plan = await schema(url, 'down', '001', '--plan')
  expect(plan).toMatchObject({ code: 0 })
  expect(plan.stdout.split('\n')).toEqual([said, 'take back 003_index: 1 step', 'take back 002_context: 1 step', ''])
  const refused = await schema(url, 'down', '001')
  expect(refused).toMatchObject({ code: 1, stdout: '' })
  expect(refused.stderr).toMatch(new RegExp(`^${said}[\\s\\S]*LOSS_REFUSED`))
  expect(rowsOf(url, 'SELECT pruning_count FROM calls')).toHaveLength(3)

  const accepted = await schema(url, 'down', '001', '--accept-loss')
  expect(accepted.code).toBe(0)
  expect(accepted.stderr.startsWith(said)).toBe(true)
  const [lost] = events((await schema(url, 'events', '--json')).stdout).filter(({ detail }) => detail !== '')
  expect(lost).toMatchObject({ action: 'down', revision: '002_context', detail: expect.stringContaining('2 rows') })
})

test('plans with the statements, and does nothing', async () => {
  const url = fresh()
  await schema(url, 'up', '001')
  const plan = await schema(url, 'up', '--plan', '--verbose')
  expect(plan.stdout).toContain('apply 002_context: 1 step\n  to be done besides: run backfill_context_fields\n')
  expect(plan.stdout).toMatch(/^ {4}ALTER TABLE .*pruning_count/im)
  const [json] = events((await schema(url, 'up', '--plan', '--json')).stdout)
  expect(json).toMatchObject({
    event: 'plan',
    direction: 'up',
    revisions: [{ id: '002_context' }, { id: '003_index' }],
  })
  expect((await schema(url, 'current')).stdout).toBe('001_calls\n')
})

test('lists revisions, the newest first, and who applied them', async () => {
  const url = fresh()
  await schema(url, 'up', '002')
  expect((await schema(url, 'history')).stdout).toBe(
    '003_index (pending, head)\n002_context (applied)\n001_calls (applied): Calls\n',
  )
  const verbose = await schema(url, 'history', '--verbose')
  expect(verbose.stdout).toMatch(
    /002_context \(applied\)\n {2}depends on: 001_calls\n {2}applied: \d{4}-.* by .+, \d+ ms\n/,
  )
  expect(events((await schema(url, 'history', '--json')).stdout).map(({ id, status }) => [id, status])).toEqual([
    ['003_index', 'pending'],
    ['002_context', 'applied'],
    ['001_calls', 'applied'],
  ])
  expect((await drover(['schema', 'heads', '--migrations', migrations])).stdout).toBe('003_index\n')
})

test('writes SQL without a database, for either one and any range', async () => {
  const args = ['--migrations', migrations, '--dialect']
  const all = await drover(['schema', 'upgrade', 'head', '--sql', ...args, 'postgres'], { DATABASE_URL: '' })
  expect(all).toMatchObject({ code: 0, stderr: '' })
  expect(all.stdout).toContain('-- up 001_calls: Calls')
  expect(all.stdout).toContain('BEGIN;')
  const range = await drover(['schema', 'preview', '001:002', ...args, 'sqlite'])
  expect(range.stdout).toContain('-- up: 002_context\n')
  expect(range.stdout).toContain('BEGIN IMMEDIATE;')
  const back = await drover(['schema', 'downgrade', '003:001', '--sql', ...args, 'sqlite'])
  expect(back.stdout).toContain('-- down: 003_index, 002_context\n')
  const file = folder.file('preview.sql')
  await drover(['schema', 'preview', '-o', file, ...args, 'sqlite'])
  expect(readFileSync(file, 'utf8')).toContain('CREATE TABLE calls')

  const url = fresh()
  await schema(url, 'up', '002')
  expect((await schema(url, 'preview', '--pending')).stdout).toContain('-- up: 003_index\n')

  const nothing = await drover(['schema', 'up', '--sql', '--migrations', migrations], { DATABASE_URL: '' })
  expect(nothing).toMatchObject({ code: 2, stderr: expect.stringContaining('--dialect postgres or --dialect sqlite') })
  expect((await schema(url, 'up', '001:002')).stderr).toContain('drover schema up 001:002 --sql')
})

test('stamps, repairs and adopts', async () => {
  const url = fresh()
  change(url, 'CREATE TABLE calls (id INTEGER PRIMARY KEY, status TEXT NOT NULL)')
  const stamped = await schema(url, 'stamp', '001', '--baseline')
  expect(stamped.stdout).toBe('The journal says that the database is at 001_calls. Nothing was run.\n')
  expect((await schema(url, 'history', '-v')).stdout).toContain('(baseline)')
  expect((await schema(url, 'up')).code).toBe(0)
  const looked = await schema(url, 'repair', '002')
  expect(looked.stdout).toContain('drover schema repair 002_context accept-edit')
  expect((await schema(url, 'repair', '002', 'fine')).stderr).toContain(
    'one of applied, reverted, retry, accept-edit, not fine',
  )
  expect((await schema(url, 'repair', '002_context', 'accept-edit')).stdout).toContain('noted as accept-edit')

  const theirs = fresh()
  change(
    theirs,
    `CREATE TABLE calls (id INTEGER PRIMARY KEY, status TEXT NOT NULL);
     CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY); INSERT INTO alembic_version VALUES ('abc')`,
  )
  expect((await schema(theirs, 'adopt', '--from', 'alembic', '--map', 'abc=001_calls')).stdout).toBe(
    'Taken over from alembic: 001_calls. Its own table stays as it is.\n',
  )
  expect((await schema(theirs, 'current')).stdout).toBe('001_calls\n')
})

test('ends with 2 where the command line or a file is not right, and nothing was begun', async () => {
  const url = fresh()
  await schema(url, 'up', '001')
  const refusals: readonly (readonly [readonly string[], string])[] = [
    [['up', '004_none'], 'REVISION_UNKNOWN: There is no revision 004_none'],
    [['down', '0'], 'REVISION_AMBIGUOUS: "0" is the beginning of several revisions'],
    [['up', '-1'], 'OPTION_INVALID: up -1: up goes forward.'],
    [['adopt', '--from', 'alembic', '--map', 'x'], '--map takes theirs=ours'],
    [['up', '--backup', 'head'], 'Name the target first: up head --backup'],
  ]
  for (const [args, said] of refusals) {
    const outcome = await schema(url, ...args)
    expect(outcome.stderr).toContain(said)
    expect(outcome.code, said).toBe(2)
  }
  const absent = await schema(folder.file('none.db'), 'current')
  expect(absent).toMatchObject({ code: 2, stderr: expect.stringContaining('There is no database') })
  const nowhere = await drover(['schema', 'current', '--migrations', migrations], { DATABASE_URL: '' })
  expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringContaining('Say which database: --url') })
  const noFolder = await drover(['schema', 'heads', '--migrations', folder.file('none')])
  expect(noFolder).toMatchObject({ code: 2, stderr: expect.stringContaining('SOURCE_NOT_FOUND') })
  folder.write('throws/001.ts', "throw new Error('postgres://user:hunter2@db/x is away')")
  const throwing = await drover(['schema', 'heads', '--migrations', folder.file('throws')])
  expect(throwing).toMatchObject({ code: 2, stderr: expect.stringContaining('REVISION_INVALID') })
  expect(throwing.stderr).not.toContain('hunter2')
})

test('fails with 1 where a revision does, and says so as JSON too', async () => {
  const url = fresh()
  folder.write(
    'failing/001.ts',
    `export default { id: '001', up: async ({ sql }) => { await sql('CREATE TABLE a (x)'); await sql('nonsense') } }`,
  )
  const outcome = await drover(['schema', 'up', '--json', '--url', url, '--migrations', folder.file('failing')])
  expect(outcome.code).toBe(1)
  expect(events(outcome.stdout)).toMatchObject([{ event: 'failed', code: 'MIGRATION_FAILED', usage: false }])
})

test('asks --url, then DATABASE_URL, then the configuration', async () => {
  const [flagged, inEnv, configured] = [fresh(), fresh(), fresh()]
  for (const url of [flagged, inEnv, configured]) await schema(url, 'up', flagged === url ? '001' : '002')
  await schema(configured, 'up')
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the file
  const config = folder.write('drover.yaml', 'schema:\n  url: ${CONFIGURED}\n  migrations: migrations\n')
  const ask = (env: NodeJS.ProcessEnv, ...args: string[]) =>
    drover(['schema', 'current', '--quiet', '--config', config, ...args], { CONFIGURED: configured, ...env })
  expect((await ask({ DATABASE_URL: inEnv }, '--url', flagged)).stdout).toBe('001_calls\n')
  expect((await ask({ DATABASE_URL: inEnv })).stdout).toBe('002_context\n')
  expect((await ask({ DATABASE_URL: '' })).stdout).toBe('003_index (head)\n')
  const other = folder.write('other.yaml', 'backfills: []\n')
  const refused = await drover(['schema', 'current', '--config', other])
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('other.yaml has no part "schema"') })
  const wrong = folder.write('wrong.yaml', 'schema:\n  migratons: x\n')
  expect((await drover(['schema', 'current', '--config', wrong])).stderr).toContain('did you mean "migrations"?')
})

describePostgres('on PostgreSQL', () => {
  const database = useDatabase()

  test('it is the same, and no secret is shown', async () => {
    const { url } = database
    expect((await schema(url, 'up')).stdout).toContain('The database is at 003_index.')
    await database.query("INSERT INTO calls (id, status, pruning_count) VALUES (1, 'done', 3)")
    const refused = await schema(url, 'down', '001')
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('LOST: calls.pruning_count') })
    expect((await schema(url, 'down', '-1')).code).toBe(0)
    const wrong = url.replace(/\/\/[^@/]*@?/, '//nobody:hunter2@')
    for (const args of [['current'], ['up'], ['down', 'base'], ['history', '--json']]) {
      const outcome = await schema(wrong, ...args)
      expect(outcome.stdout + outcome.stderr).not.toContain('hunter2')
    }
  })
})
