import { existsSync } from 'node:fs'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { copySqliteCheckpoints, fillSqliteHistory } from '../testing/agent-stores.js'
import { drover } from '../testing/command.js'
import { change, rowsOf } from '../testing/messages.js'
import { useFolder } from '../testing/test-folder.js'

const folder = useFolder()
beforeAll(() => process.chdir(folder.path))

/** The command for an SQLite file, and into the folder `none` if nothing else is said. */
const flags = (from: object, destination = 'json', into: object = { output_dir: 'none' }): string[] => [
  ...['run', '--source', 'sqlite', '--source-config', JSON.stringify(from)],
  ...['--destination', destination, '--dest-config', JSON.stringify(into)],
]

describe('a store that cannot be read leaves nothing behind', () => {
  afterEach(() => expect([existsSync('none'), existsSync('.drover')]).toEqual([false, false]))

  const failed = async (from: object, expected: number): Promise<string> => {
    const { code, stderr } = await drover(flags(from))
    expect(code, stderr).toBe(expected)
    return stderr
  }

  test('of no layout that is known', async () => {
    change('foreign.db', 'CREATE TABLE customers (id INTEGER PRIMARY KEY)')
    expect(await failed({ connection_string: 'foreign.db' }, 1)).toMatch(/SOURCE_NOT_FOUND: .*foreign\.db/)
  })

  test('of checkpoints and a chat history: which one is a matter of the command line', async () => {
    copySqliteCheckpoints('two.db')
    fillSqliteHistory('two.db')
    expect(await failed({ connection_string: 'two.db' }, 2)).toMatch(
      /^drover: OPTION_INVALID: sqlite two\.db holds "langgraph-sqlite" \(.*\) and "langchain-sqlite" \(.*\)\. Say which is meant with the option layout\.\n$/,
    )
    const into = { output_dir: 'named' }
    for (const named of [{ layout: 'langchain-sqlite' }, { table_name: 'message_store' }])
      expect(await drover([...flags({ connection_string: 'two.db', ...named }, 'json', into)])).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('12 read = 12 written'),
      })
  })

  test('of two chat histories', async () => {
    fillSqliteHistory('histories.db')
    change(
      'histories.db',
      'CREATE TABLE chat_message_history (id INTEGER PRIMARY KEY, session_id TEXT, message TEXT); INSERT INTO chat_message_history SELECT * FROM message_store',
    )
    expect(await failed({ connection_string: 'histories.db' }, 2)).toContain(
      'drover: OPTION_INVALID: sqlite histories.db holds table "chat_message_history" and table "message_store". Say which is meant with the option table (table_name in the file of a migration).',
    )
  })

  test('of another age, with columns that are not there', async () => {
    copySqliteCheckpoints('old.db')
    change('old.db', 'ALTER TABLE checkpoints DROP COLUMN metadata')
    expect(await failed({ connection_string: 'old.db' }, 1)).toMatch(/SOURCE_INVALID: .*older library/)
  })

  test('by date, where the layout keeps no times, which is said of the filters in the file', async () => {
    fillSqliteHistory('timeless.db')
    folder.write(
      'timeless.yaml',
      'source_type: sqlite\nsource_config: { connection_string: timeless.db }\ndestination_type: sqlite\ndestination_config: { connection_string: none, layout: langchain-sqlite }\nfilters: { date_from: "2025-01-01" }\n',
    )
    const said =
      'OPTION_INVALID: timeless.yaml:5:1: filters: The layout langchain-sqlite keeps no times, so that date_from cannot choose among its records. Leave it out.'
    expect(await drover(['run', 'timeless.yaml'])).toEqual({ code: 2, stdout: '', stderr: `drover: ${said}\n` })
    const json = await drover(['run', 'timeless.yaml', '--json'])
    expect(JSON.parse(json.stdout.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({ event: 'failed', usage: true })
  })
})

describe('a destination that cannot be written is named at once', () => {
  beforeAll(() => {
    fillSqliteHistory('history.db')
    folder.write('file', 'of the user')
  })

  test.each([
    ['json', { output_dir: 'file/exports' }, 'file/exports'],
    ['json', { output_dir: 'file', single_file: true }, 'file/checkpoints_export.json'],
    ['parquet', { output_path: 'file/x.parquet' }, 'file/x.parquet'],
  ])('%s, where a file is in the way', async (destination, into, place) => {
    expect(await drover(flags({ connection_string: 'history.db' }, destination, into))).toMatchObject({
      code: 1,
      stderr: `drover: failed: SINK_NOT_READY: ${place} cannot be written: a file is where a folder of its path should be: name another place, or move the file away (ENOTDIR).\n`,
    })
  })

  test.skipIf(process.platform !== 'linux').each([
    ['json', { output_dir: '/proc/nope/x' }, '/proc/nope/x'],
    ['json', { output_dir: '/proc/nope', single_file: true }, '/proc/nope/checkpoints_export.json'],
    ['parquet', { output_path: '/proc/nope/x.parquet' }, '/proc/nope/x.parquet'],
  ])('%s, where no folder can be made', async (destination, into, place) => {
    expect(await drover(flags({ connection_string: 'history.db' }, destination, into))).toMatchObject({
      code: 1,
      stderr: `drover: failed: STORE_DENIED: ${place} cannot be written: the folder above it takes none: name another place (ENOENT, /proc/nope).\n`,
    })
  })

  test('and the store that was read is as it was', () => {
    expect(rowsOf('history.db', 'SELECT count(*) AS n FROM message_store')).toEqual([{ n: 12 }])
  })
})
