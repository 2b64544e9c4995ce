// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of files
import { readFileSync } from 'node:fs'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { beforeAll, describe, expect, test } from 'vitest'
import { drover, events } from '../testing/command.js'
import { makeMessages, rowsOf } from '../testing/messages.js'
import { useFolder } from '../testing/test-folder.js'

const folder = useFolder()
beforeAll(() => {
  process.chdir(folder.path)
  makeMessages('chat.db', 1000)
})

const sqlite = 'source: { type: sqlite, filename: chat.db, table: messages }\n'

describe('a pipeline of a file', () => {
  test('runs to its end, says what became of it, and has nothing to do again', async () => {
    folder.write(
      'first.yaml',
      `name: first\n${sqlite}filter: { role: { ne: debug } }\ntransform:\n  - { type: rename, fields: { content: body } }\nsink: { type: sqlite, filename: "\${OUT}", table: copy }\n`,
    )
    const first = await drover(['run', 'first.yaml'], { OUT: 'copy.db' })
    expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining('900 written + 0 filtered + 0 rejected') })
    expect(first.stderr).toMatch(/^first: completed, 900 records in/m)
    expect(rowsOf('copy.db', 'SELECT count(*) AS n, max(body) AS last FROM copy')).toEqual([
      { n: 900, last: 'message 999' },
    ])
    const again = await drover(['run', 'first.yaml'], { OUT: 'copy.db' })
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('first: nothing to do, completed since') })
  })

  test('stops where it is told to, says how to go on, and goes on from there', async () => {
    folder.write('parts.yaml', `name: parts\n${sqlite}sink: { type: ndjson, path: "out put.ndjson" }\nbatchSize: 100\n`)
    const stopped = await drover(['run', 'parts.yaml', '--stop-after', '300', '--state', 'my state'])
    expect(stopped).toMatchObject({ code: 130, stdout: expect.stringContaining('parts: stopped: ') })
    expect(stopped.stderr).toContain("Go on with: drover run parts.yaml --stop-after 300 --state 'my state'")
    const rest = await drover(['run', 'parts.yaml', '--state', 'my state'])
    expect(rest).toMatchObject({ code: 0, stdout: expect.stringMatching(/700 records in .*resumed/) })
    expect(readFileSync('out put.ndjson', 'utf8').trimEnd().split('\n')).toHaveLength(1000)
  })

  test('that is done with rejects says so by its exit code, also when it is asked again', async () => {
    folder.write('bad.ndjson', '{"id":1}\nnonsense\n{"id":2}\n')
    folder.write(
      'rejects.yaml',
      'name: rejects\nsource: { type: ndjson, path: bad.ndjson }\nsink: { type: json, path: good.json }\nmaxRejected: 1\n',
    )
    expect(await drover(['run', 'rejects.yaml'])).toMatchObject({
      code: 3,
      stdout: expect.stringContaining('1 rejected'),
    })
    expect(await drover(['run', 'rejects.yaml'])).toMatchObject({ code: 3 })
    expect(JSON.parse(readFileSync('good.json', 'utf8'))).toEqual([{ id: 1 }, { id: 2 }])
  })

  test('keeps the deadline of its file beside --stop-after', async () => {
    folder.write(
      'past.yaml',
      `name: past\n${sqlite}sink: { type: ndjson, path: past.ndjson }\nstopAfter: { deadline: 2025-01-31T06:00:00Z }\n`,
    )
    expect(await drover(['run', 'past.yaml', '--stop-after', '10'])).toMatchObject({
      code: 130,
      stdout: expect.stringContaining('its deadline was reached'),
    })
  })

  test('writes a data set of Parquet, and reads what is in one of its folders', async () => {
    folder.write(
      'set.yaml',
      `name: set\n${sqlite}sink: { type: parquet, outputPath: set, partitionBy: [role], types: { id: int32 }, compression: zstd }\n`,
    )
    folder.write(
      'debug.yaml',
      'name: debug\nsource: { type: parquet, path: set, key: id, columns: [id, role, content] }\nfilter: { role: { eq: debug } }\nsink: { type: sqlite, filename: debug.db, table: copy }\n',
    )
    expect(await drover(['run', 'set.yaml'])).toMatchObject({ code: 0 })
    expect(await drover(['run', 'debug.yaml'])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('100 records'),
    })
    expect(rowsOf('debug.db', 'SELECT count(*) AS n, min(content) AS first, min(role) AS role FROM copy')).toEqual([
      { n: 100, first: 'message 10', role: 'debug' },
    ])
    folder.write('mistyped.yaml', `name: mistyped\n${sqlite}sink: { type: parquet, path: set }\n`)
    expect((await drover(['run', 'mistyped.yaml'])).stderr).toContain('mistyped.yaml:3:24: sink has no "path"')
  })

  test('takes what was rejected, once it is mended, by a replay', async () => {
    folder.write(
      'mend.ts',
      "export const mend = (r: { id: number }) => {\n  if (r.id === 2 && process.env.MENDED !== '1') throw new Error('no')\n  return r\n}\n",
    )
    folder.write('ids.ndjson', '{"id":1}\n{"id":2}\n{"id":3}\n')
    folder.write(
      'replayed.yaml',
      'name: replayed\nsource: { type: ndjson, path: ids.ndjson, key: id }\ntransform:\n  - module: ./mend.ts#mend\nsink: { type: sqlite, filename: replayed.db, table: ids }\nmaxRejected: 1\n',
    )
    expect(await drover(['run', 'replayed.yaml'])).toMatchObject({ code: 3 })
    process.env.MENDED = '1'
    expect(await drover(['replay', 'replayed.yaml'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('1 written'),
    })
    expect(rowsOf('replayed.db', 'SELECT id FROM ids ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }])
    expect(await drover(['replay', 'replayed.yaml'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('nothing'),
    })
  })

  test('that fails says what, and how to go on', async () => {
    folder.write(
      'fails.yaml',
      'name: fails\nsource: { type: ndjson, path: bad.ndjson }\nsink: { type: json, path: f.json }\n',
    )
    const failed = await drover(['run', 'fails.yaml'])
    expect(failed.code).toBe(1)
    expect(failed.stderr).toMatch(/drover: failed: RECORD_REJECTED: .*bad\.ndjson/)
    expect(failed.stderr).toContain('go on with: drover run fails.yaml')
    expect(await drover(['run', 'fails.yaml', '--max-rejected', '1'])).toMatchObject({ code: 3 })
  })

  test('tells lines of JSON, and nothing else, where they are asked for', async () => {
    folder.write('json.yaml', `name: json\n${sqlite}sink: { type: ndjson, path: j.ndjson }\n`)
    const { code, stdout, stderr } = await drover(['run', 'json.yaml', '--json'])
    expect([code, stderr]).toEqual([0, ''])
    const told = events(stdout)
    expect(told[0]).toMatchObject({ event: 'run:started', name: 'json', guarantee: 'exactly-once', total: 1000 })
    expect(told.at(-2)).toMatchObject({ event: 'run:progress', counts: { read: 1000 } })
    expect(told.at(-1)).toMatchObject({ event: 'run:finished', status: 'completed', counts: { written: 1000 } })
    const wrong = await drover(['run', 'none.yaml', '--json'])
    expect([wrong.code, events(wrong.stdout)]).toEqual([
      2,
      [{ event: 'failed', code: 'SOURCE_NOT_FOUND', message: 'There is no file none.yaml.', usage: true }],
    ])
  })

  test('shows no progress with --quiet, and its log with --verbose', async () => {
    folder.write('log.yaml', `name: log\n${sqlite}sink: { type: ndjson, path: l.ndjson }\n`)
    expect((await drover(['run', 'log.yaml', '--verbose'])).stderr).toMatch(/^info log/m)
    expect((await drover(['run', 'log.yaml', '--quiet'])).stderr).toBe('')
  })
})

describe('what is not right is said before anything is opened', () => {
  test.each([
    [['run'], 'OPTION_INVALID: Name what is to run: a file, or --source'],
    [['rum', 'first.yaml'], '(Did you mean run?)'],
    [['run', 'first.yaml', '--batchsize', '5'], '(Did you mean --batch-size?)'],
    [['run', 'first.yaml', '--batch-size', '0'], 'It is a whole number of at least 1.'],
    [['run', 'first.yaml', '--again', 'ful'], 'Allowed choices are nothing, incremental, full.'],
    [['run', 'first.yaml'], 'OPTION_INVALID: first.yaml:2:1'],
    [['run', 'first.yaml', '--state', 'mysql://x'], 'there is no state store "mysql:"'],
    [[], 'Usage: drover'],
  ])('%j', async (args, said) => {
    folder.write('first.yaml', `name: first\nsorce: 1\n${sqlite}sink: { type: ndjson, path: x }\n`)
    if (args.includes('--state')) folder.write('first.yaml', `name: first\n${sqlite}sink: { type: ndjson, path: x }\n`)
    const { code, stderr } = await drover(args)
    expect(stderr).toContain(said)
    expect(code).toBe(2)
  })

  test('a factory that refuses its options is named with its place', async () => {
    folder.write(
      'both.yaml',
      'name: x\nsource:\n  type: sqlite\n  filename: a.db\n  table: t\n  view: v\nsink: { type: ndjson, path: x }\n',
    )
    expect((await drover(['run', 'both.yaml'])).stderr).toContain(
      'OPTION_INVALID: both.yaml:3:3: sqliteSource: give one of table, view and query.',
    )
  })

  test('a file of backfills alone is no pipeline', async () => {
    folder.write('only.yaml', 'backfills: [./x.ts]\n')
    expect((await drover(['run', 'only.yaml'])).stderr).toContain(
      'only.yaml:1:1: this is no pipeline: it lacks name and source and sink',
    )
  })

  test('a deadline that is none', async () => {
    for (const deadline of ['soon', "'9'", '2025-01-31', '2025-01-31T06:00']) {
      folder.write(
        'late.yaml',
        `name: x\n${sqlite}sink: { type: ndjson, path: x }\nstopAfter:\n  deadline: ${deadline}\n`,
      )
      const { code, stderr } = await drover(['run', 'late.yaml'])
      expect([code, stderr]).toEqual([2, expect.stringContaining('late.yaml:5:3: deadline is an instant such as')])
    }
  })

  test('what a variable stands for is not shown by those who refuse it', async () => {
    const file = (rest: string): string => `name: x\n${sqlite}sink: { type: ndjson, path: x }\n${rest}\n`
    for (const rest of [
      'stopAfter: { deadline: "${SECRET}" }',
      'windows: [{ from: "${SECRET}", to: "06:00", zone: UTC }]',
      'transform: [{ type: normalize-timestamps, fields: [a], assumeZone: "${SECRET}" }]',
    ]) {
      folder.write('secret.yaml', file(rest))
      const { code, stdout, stderr } = await drover(['run', 'secret.yaml', '--json'], { SECRET: 'hunter2' })
      expect([code, stderr]).toEqual([2, expect.stringContaining('"${SECRET}"')])
      expect(stdout + stderr).not.toContain('hunter2')
    }
  })
})

describePostgres('with PostgreSQL', () => {
  const database = useDatabase()

  test('a pipeline runs into a table and keeps its state there; its password is never shown', async () => {
    folder.write(
      'pg.yaml',
      `name: pg\n${sqlite}sink:\n  type: postgres\n  connection: \${DATABASE_URL}\n  table: messages\n  onConflict: update\nparallel: 2\n`,
    )
    const run = await drover(['run', 'pg.yaml'], { DATABASE_URL: database.url })
    expect(run).toMatchObject({ code: 0, stdout: expect.stringContaining('1,000 inserted') })
    expect(await database.query('SELECT count(*)::int AS n FROM messages')).toEqual([{ n: 1000 }])
    const url = new URL(database.url)
    url.password = 'hunter2'
    url.pathname = '/none'
    const failed = await drover(['run', 'pg.yaml', '--json'], { DATABASE_URL: url.href })
    expect(failed.code).toBe(1)
    expect(failed.stdout + failed.stderr).not.toContain('hunter2')
  })
})
