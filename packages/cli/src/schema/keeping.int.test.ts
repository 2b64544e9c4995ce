import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { drover, events } from '../testing/command.js'
import { change, rowsOf } from '../testing/messages.js'
import { useFolder } from '../testing/test-folder.js'

const folder = useFolder()
// What the command writes imports @drover/schema.
symlinkSync(path.resolve(import.meta.dirname, '../../node_modules'), folder.file('node_modules'))
let places = 0

/** A folder of revisions, a database and a folder of backups, of one test. */
function usePlace() {
  const name = `place-${++places}`
  const at = (file: string): string => folder.file(`${name}/${file}`)
  mkdirSync(at('migrations'), { recursive: true })
  const schema = (...args: string[]) =>
    drover(['schema', ...args, '--url', at('app.db'), '--migrations', at('migrations')], {})
  const revision = (id: string, up: string, down: string, more = ''): void => {
    folder.write(
      `${name}/migrations/${id}.ts`,
      `export default { id: '${id}', ${more} up: async ({ sql }) => { await sql(\`${up}\`) }, down: async ({ sql }) => { await sql(\`${down}\`) } }\n`,
    )
  }
  return { at, name, schema, revision }
}

function withCalls() {
  const place = usePlace()
  place.revision('001_calls', 'CREATE TABLE calls (id INTEGER PRIMARY KEY, status TEXT NOT NULL)', 'DROP TABLE calls')
  return place
}

test('creates revisions with a checklist, and merges two heads', async () => {
  const { at, schema } = withCalls()
  const local = (...args: string[]) => drover(['schema', ...args, '--migrations', at('migrations')])
  const made = await local('revision', '-m', 'add custom index')
  expect(made).toMatchObject({ code: 0, stderr: '' })
  const file = path.join(at('migrations'), '002_add_custom_index.ts')
  expect(made.stdout).toBe(`Wrote ${file}\n`)
  expect(readFileSync(file, 'utf8')).toMatch(/dependsOn: '001_calls'/)
  await local('create', '-m', 'other', '--depends-on', '001_calls', '--rev-id', '002_other')
  expect((await local('heads')).stderr).toContain('There are 2 heads. Make one of them: drover schema merge heads')
  expect((await local('create', '-m', 'third')).stderr).toContain('REVISION_AMBIGUOUS')
  expect((await local('create')).code).toBe(2)

  expect((await local('merge', 'heads', '-m', 'merge branches')).code).toBe(0)
  expect((await local('heads')).stdout).toMatch(/^003_merge_branches/)
  expect(readdirSync(at('migrations'))).toContain('003_merge_branches.ts')
  expect((await local('merge', '-m', 'again')).code).toBe(2)
  expect((await schema('up')).code).toBe(0)
})

test('drafts what models say, and finds what somebody changed by hand', async () => {
  const { at, schema, name } = withCalls()
  await schema('up')
  const columns = `id: { type: 'integer', nullable: false }, status: { type: 'text', nullable: false }, priority: { type: 'integer', nullable: false, default: 0 }`
  folder.write(
    `${name}/models.ts`,
    `export const models = { tables: { calls: { columns: { ${columns} }, primaryKey: ['id'], indexes: [{ name: 'ix_calls_priority', columns: ['priority'] }] } } }`,
  )
  const models = ['--models', `${at('models.ts')}#models`]
  const drifted = await schema('check', ...models)
  expect(drifted.code, drifted.stderr).toBe(1)
  expect(drifted.stdout, drifted.stderr).toContain('column calls.priority is missing')
  expect((await schema('check')).code).toBe(0)

  const shown = await schema('draft', '-m', 'add priority', '--dry-run', ...models)
  expect(shown.stdout).toContain('priority')
  const made = await schema('revision', '--autogenerate', '-m', 'add priority', ...models)
  expect(made).toMatchObject({ code: 0, stdout: `Wrote ${path.join(at('migrations'), '002_add_priority.ts')}\n` })
  for (const step of [['up'], ['down', '-1'], ['up']]) {
    const outcome = await schema(...step)
    expect(outcome.code, outcome.stderr).toBe(0)
  }
  expect((await schema('draft', '-m', 'nothing', ...models)).stdout).toBe(
    'Nothing to do: the database is as it should be.\n',
  )
  expect(await schema('check', '--quiet', ...models)).toMatchObject({
    code: 0,
    stdout: 'The database is as the models say.\n',
  })

  change(at('app.db'), 'CREATE TABLE by_hand (id INTEGER)')
  const byHand = await schema('check')
  expect(byHand).toMatchObject({ code: 1, stdout: expect.stringContaining('by_hand is there and should not be') })
  expect((await schema('draft', '-m', 'x')).stderr).toContain('--models ./models.ts#models')
})

test('dumps a schema, and loads it into an empty database', async () => {
  const { at, schema } = withCalls()
  await schema('up')
  const file = at('schema.sql')
  expect((await schema('dump', '--journal', '-o', file)).stdout).toBe(`Wrote ${file}\n`)
  const other = at('other.db')
  const args = ['--url', other, '--migrations', at('migrations')]
  expect((await drover(['schema', 'load', file, ...args])).code).toBe(0)
  expect((await drover(['schema', 'current', ...args])).stdout).toBe('001_calls (head)\n')
  const again = await drover(['schema', 'load', file, ...args])
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('is not empty') })
})

test('backs up, lists, restores, and names those there are', async () => {
  const { at, schema } = withCalls()
  await schema('up')
  change(at('app.db'), "INSERT INTO calls (status) VALUES ('one'), ('two')")
  const backups = ['--folder', at('backups')]
  expect((await drover(['schema', 'backups', ...backups])).stderr).toContain('There is no backup in')
  const [made] = events((await schema('backup', '--json', ...backups)).stdout)
  const timestamp = timestampOf(made)
  const listed = await drover(['schema', 'backups', '--verify', ...backups])
  expect(listed).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(new RegExp(`^${timestamp} of app at 001_calls, `)),
  })

  change(at('app.db'), 'DELETE FROM calls')
  const unknown = await schema('restore', '19990101', ...backups)
  expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining(timestamp) })
  const restored = await schema('restore', 'latest', ...backups)
  expect(restored.code, restored.stderr).toBe(0)
  expect(restored.stdout).toContain('What was there is kept: ')
  expect(rowsOf(at('app.db'), 'SELECT status FROM calls ORDER BY id')).toEqual([{ status: 'one' }, { status: 'two' }])
})

test('verifies, compares with a baseline, rehearses, and goes through the checklist', async () => {
  const { at, schema, revision } = withCalls()
  await schema('up')
  change(
    at('app.db'),
    "CREATE INDEX ix_status ON calls (status); INSERT INTO calls (status) SELECT 's' || value FROM generate_series(1, 2000)".replace(
      'FROM generate_series(1, 2000)',
      'FROM (WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 2000) SELECT value FROM n)',
    ),
  )
  const queries = folder.write('queries.sql', "-- name: by_status\nSELECT id FROM calls WHERE status = 's7';\n")
  const file = at('baseline.json')
  expect((await schema('baseline', queries, '-o', file)).stdout).toBe(`Wrote ${file}: 1 query\n`)
  const right = await schema('verify', '--compare-baseline', file)
  expect(right).toMatchObject({ code: 0, stdout: 'at 001_calls\ncalls: 2000 rows\nby_status: as good as before\n' })

  const backups = ['--folder', at('backups')]
  const [made] = events((await schema('backup', '--json', ...backups)).stdout)
  const timestamp = timestampOf(made)
  revision(
    '002_note',
    'ALTER TABLE calls ADD COLUMN note TEXT',
    'ALTER TABLE calls DROP COLUMN note',
    "dependsOn: '001_calls',",
  )
  const behind = await schema('verify')
  expect(behind).toMatchObject({ code: 1, stdout: expect.stringContaining('NOT RIGHT: not applied: 002_note') })
  expect((await schema('verify', '--at', '001_calls')).code).toBe(0)

  const rehearsed = await schema('rehearse', '--from', timestamp, ...backups)
  expect(rehearsed.code, rehearsed.stderr).toBe(0)
  expect(rehearsed.stdout).toContain('up: 002_note\ndown: 002_note\nand up again\n')
  expect(rowsOf(at('app.db'), 'SELECT * FROM calls LIMIT 1')).toEqual([{ id: 1, status: 's1' }])

  const asked = await schema('preflight', '--baseline', file, ...backups)
  expect(asked).toMatchObject({ code: 1, stdout: expect.stringContaining('[?] window') })
  const names = events((await schema('preflight', '--baseline', file, '--json', ...backups)).stdout)
    .flatMap(({ items }) => items as { readonly name: string; readonly status: string }[])
    .filter(({ status }) => status === 'ask')
    .flatMap(({ name }) => ['--confirm', name])
  const ready = await schema('preflight', '--baseline', file, ...backups, ...names)
  expect(ready.code, ready.stdout).toBe(0)

  change(at('app.db'), 'DROP INDEX ix_status')
  const worse = await schema('verify', '--at', '001_calls', '--compare-baseline', file)
  expect(worse).toMatchObject({ code: 1, stderr: expect.stringContaining('BASELINE_WORSE') })
})

function timestampOf(backup: Record<string, unknown> | undefined): string {
  return String((backup?.manifest as { readonly timestamp?: string } | undefined)?.timestamp)
}
