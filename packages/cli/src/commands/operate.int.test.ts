import { existsSync } from 'node:fs'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { startDrover } from '../testing/child.js'
import { drover, events } from '../testing/command.js'
import { change, makeMessages, rowsOf } from '../testing/messages.js'
import { useFolder } from '../testing/test-folder.js'

const folder = useFolder()
beforeAll(() => {
  process.chdir(folder.path)
  makeMessages('chat.db', 2000)
})

const source = 'source: { type: sqlite, filename: chat.db, table: messages }\n'

describe('a run in another process', () => {
  test('is seen, paused, changed, resumed and stopped from here', async () => {
    folder.write(
      'live.yaml',
      `name: live\n${source}sink: { type: sqlite, filename: live.db, table: copy }\nbatchSize: 20\n`,
    )
    const child = startDrover(['run', 'live.yaml', '--records-per-second', '100', '--json'], folder.path)
    await child.until('"event":"run:started"')
    const { code, stdout } = await drover(['pause', 'live.yaml', '--reason', 'the shop is busy'])
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining('live: pausing\n  It is to be paused (the shop is busy)'),
    ])
    await child.until('"event":"run:paused"')
    // It is told with a heartbeat.
    await vi.waitFor(
      async () => {
        const paused = await drover(['status', 'live', '--state', 'sqlite:live.db'])
        expect(paused.stdout).toMatch(/^live: paused\n[\s\S]*\n {2}[\d,]+ of 2,000 records, [\d.]+ %/)
      },
      { timeout: 30_000, interval: 200 },
    )
    const { n } = rowsOf('live.db', 'SELECT count(*) AS n FROM copy')[0] as { n: number }
    expect(await drover(['update', 'live.yaml', '--records-per-second', '0', '--batch-size', '100'])).toMatchObject({
      code: 0,
    })
    expect(await drover(['update', 'live.yaml', '--records-per-second', '200'])).toMatchObject({ code: 0 })
    expect(rowsOf('live.db', 'SELECT count(*) AS n FROM copy')).toEqual([{ n }])
    expect(await drover(['resume', 'live.yaml'])).toMatchObject({ code: 0 })
    await child.until('"event":"run:resumed"')
    const stopping = await drover(['stop', 'live.yaml', '--json'])
    expect(events(stopping.stdout)[0]).toMatchObject({
      name: 'live',
      control: { state: 'stop', recordsPerSecond: 200 },
    })
    expect((await child.ended).code).toBe(130)
    expect((await drover(['status', 'live.yaml'])).stdout).toContain(
      'live: stopped\n  It stopped: an operator asked for it',
    )
    // What was asked stays so for later attempts.
    await drover(['update', 'live.yaml', '--records-per-second', '0', '--batch-size', '1000'])
    expect(await drover(['run', 'live.yaml'])).toMatchObject({ code: 0 })
    const ended = await drover(['pause', 'live.yaml'])
    expect([ended.code, ended.stderr]).toEqual([2, expect.stringContaining('RUN_ENDED: "live" completed at')])
  })
})

describe('drover status', () => {
  test('shows all that a state store keeps, and what is meant by a name', async () => {
    for (const name of ['one', 'two'])
      folder.write(`${name}.yaml`, `name: ${name}\n${source}sink: { type: ndjson, path: ${name}.ndjson }\n`)
    await drover(['run', 'one.yaml'])
    await drover(['run', 'two.yaml', '--stop-after', '100', '--batch-size', '100'])
    expect((await drover(['status'])).stdout.match(/^\w+: \w+$/gm)?.toSorted()).toEqual([
      'one: completed',
      'two: stopped',
    ])
    expect((await drover(['status', 'two'])).stdout).toContain('100 read = 100 written + 0 filtered + 0 rejected')
    const unknown = await drover(['status', 'tow'])
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('RUN_UNKNOWN: There is no run "tow"')])
    expect(unknown.stderr).toContain('did you mean')
  })

  test('of a run that was never begun creates nothing', async () => {
    folder.write('never.yaml', `name: never\n${source}sink: { type: sqlite, filename: never.db, table: t }\n`)
    const { code, stderr } = await drover(['status', 'never.yaml'])
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('RUN_UNKNOWN: There is no run "never" yet: there is no database never.db'),
    ])
    expect(existsSync('never.db')).toBe(false)
  })
})

describe('what looks at a run creates nothing', () => {
  test.each([
    [['status', '--state', 'sqlite:typo.db'], '--state: there is no database typo.db'],
    [['pause', 'live', '--state', './typo.db'], '--state: there is no folder ./typo.db'],
    [['replay', 'typo.yaml'], 'RUN_UNKNOWN: There is no run "typo" yet: there is no database typo.db'],
    [['verify', 'typo'], "typo is no pipeline's file: its name ends in .yaml"],
    [['check', 'typo'], "typo is neither a pipeline's file (.yaml) nor a backfill's module"],
  ])('%j', async (args, said) => {
    folder.write('typo.yaml', `name: typo\n${source}sink: { type: sqlite, filename: typo.db, table: t }\n`)
    const { code, stderr } = await drover(args)
    expect([code, stderr, existsSync('typo.db')]).toEqual([2, expect.stringContaining(said), false])
  })

  test('nor does a replay of a run that files would keep', async () => {
    folder.write(
      'typo.yaml',
      `name: typo\n${source}sink: { type: ndjson, path: typo.ndjson }\nstate: { type: directory, directory: kept }\n`,
    )
    expect(await drover(['replay', 'typo.yaml'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('RUN_UNKNOWN'),
    })
    expect(existsSync('kept')).toBe(false)
  })
})

describe('drover verify', () => {
  test('finds what differs, by the key of the sink', async () => {
    folder.write(
      'verified.yaml',
      `name: verified\n${source}transform:\n  - type: add-metadata\nsink: { type: sqlite, filename: verified.db, table: copy }\n`,
    )
    await drover(['run', 'verified.yaml'])
    const equal = await drover(['verify', 'verified.yaml'])
    expect([equal.code, equal.stdout]).toEqual([0, expect.stringContaining('both sides are the same')])
    const typo = await drover(['verify', 'verified.yaml', '--key', 'idd'])
    expect([typo.code, typo.stderr]).toEqual([2, expect.stringContaining('KEY_INVALID')])
    change('verified.db', "UPDATE copy SET role = 'x' WHERE id = 7; DELETE FROM copy WHERE id = 8")
    const { code, stdout } = await drover(['verify', 'verified.yaml', '--json'])
    expect(code).toBe(1)
    expect(events(stdout)).toMatchObject([{ event: 'verified', missing: 1, different: 1, extra: 0 }])
  })

  test('takes its key and what it leaves out from the file, and says when there is none', async () => {
    folder.write(
      'keyed.yaml',
      `name: keyed\nsource: { type: ndjson, path: one.ndjson }\nsink: { type: ndjson, path: keyed.ndjson }\n`,
    )
    await drover(['run', 'keyed.yaml'])
    const none = await drover(['verify', 'keyed.yaml'])
    expect([none.code, none.stderr]).toEqual([
      2,
      expect.stringContaining('KEY_INVALID: Neither side says what identifies a row.'),
    ])
    expect(await drover(['verify', 'keyed.yaml', '--key', 'id'])).toMatchObject({ code: 0 })
    folder.write(
      'keyed.yaml',
      'name: keyed\nsource: { type: ndjson, path: one.ndjson }\nsink: { type: ndjson, path: keyed.ndjson }\nverify: { key: [id], ignore: [role] }\n',
    )
    expect(await drover(['verify', 'keyed.yaml'])).toMatchObject({ code: 0 })
    expect(await drover(['verify', 'keyed'])).toMatchObject({ code: 2 })
  })
})

describe('drover check', () => {
  test('says what a run would do, and does nothing', async () => {
    folder.write('checked.yaml', `name: checked\n${source}sink: { type: sqlite, filename: checked.db, table: copy }\n`)
    const { code, stdout } = await drover(['check', 'checked.yaml', '--sample', '2'])
    expect([code, stdout]).toEqual([0, expect.stringContaining('checked: nothing stands in the way of a run')])
    expect(existsSync('checked.db')).toBe(false)
    const offline = await drover(['check', 'checked.yaml', '--offline'])
    expect(offline.stdout).toBe('checked: checked.yaml is right; nothing was opened\n')
  })

  test('refuses what a run would refuse', async () => {
    folder.write(
      'never-open.yaml',
      `name: n\n${source}sink: { type: ndjson, path: n }\nwindows: [{ from: '10:00', to: '10:00', zone: UTC }]\n`,
    )
    for (const command of ['run', 'check']) {
      const { code, stderr } = await drover([command, 'never-open.yaml'])
      expect([code, stderr]).toEqual([2, expect.stringContaining('it would never be open')])
    }
  })

  test('fails for what a run would fail with', async () => {
    folder.write(
      'no.yaml',
      `name: no\n${source.replace('table: messages', 'table: massages')}sink: { type: ndjson, path: no.ndjson }\n`,
    )
    const { code, stdout } = await drover(['check', 'no.yaml', '--json'])
    expect([code, events(stdout)]).toEqual([
      1,
      [expect.objectContaining({ problems: [expect.objectContaining({ code: 'SOURCE_NOT_FOUND' })] })],
    ])
    expect(await drover(['check', 'no'])).toMatchObject({ code: 2 })
  })
})

describePostgres('drover undo', () => {
  const database = useDatabase()

  test('puts back what a run has changed, by the file and by the name of the run', async () => {
    await database.query(
      "CREATE TABLE messages (id bigint PRIMARY KEY, role text, content text); INSERT INTO messages VALUES (1, 'old', 'old'), (-5, 'a', 'b')",
    )
    folder.write(
      'undone.yaml',
      `name: undone\n${source}sink:\n  type: postgres\n  connection: ${database.url}\n  table: messages\n  onConflict: update\n  undo: true\n`,
    )
    expect(await drover(['run', 'undone.yaml'])).toMatchObject({ code: 0 })
    const undone = await drover(['undo', 'undone.yaml'])
    expect(undone).toMatchObject({ code: 0 })
    expect(await database.query('SELECT * FROM messages ORDER BY id')).toEqual([
      { id: '-5', role: 'a', content: 'b' },
      { id: '1', role: 'old', content: 'old' },
    ])
    const again = await drover(['undo', 'undone', '--state', database.url, '--again', 'full'])
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('UNDO_IMPOSSIBLE')])
  })

  test.each([
    [['undo', 'one.yaml'], 'UNDO_IMPOSSIBLE: Runs into a store of type "ndjson" keep no images'],
    [['undo', 'one'], 'Name the run and the database'],
  ])('%j is refused', async (args, said) => {
    const { code, stderr } = await drover(args)
    expect([code, stderr]).toEqual([2, expect.stringContaining(said)])
  })
})
