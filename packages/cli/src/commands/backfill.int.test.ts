import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { drover, events } from '../testing/command.js'
import { makeMessages, rowsOf } from '../testing/messages.js'
import { useFolder } from '../testing/test-folder.js'

const folder = useFolder()
beforeAll(() => {
  process.chdir(folder.path)
  makeMessages('app.db', 50, ', content_length INTEGER')
})

/** A module without imports: the folder has no packages of its own. */
const byHand = (name: string) => `
let left = 3
export default {
  name: '${name}',
  count: async () => ({ value: left, exact: true }),
  backfillBatch: async ({ after }: { after: number | null }) => {
    const at = (after ?? 0) + 1
    left--
    return { scanned: 1, changed: 1, cursor: at, done: at === 3 }
  },
}
`

describe('drover create backfill', () => {
  test('writes the beginning of one, which says what it is for', async () => {
    const created = await drover(['create', 'backfill', 'content-length'])
    expect(created).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('drover backfill ./backfill_content_length.ts'),
    })
    const text = readFileSync('backfill_content_length.ts', 'utf8')
    for (const part of [
      'Purpose: ',
      'When to run: ',
      'Usage: DATABASE_FILE=app.db drover backfill ./backfill_content_length.ts',
    ])
      expect(text).toContain(part)
  })

  test('never writes over a file that is there', async () => {
    folder.write('backfill_mine.ts', 'mine')
    const { code, stderr } = await drover(['create', 'backfill', 'mine'])
    expect([code, readFileSync('backfill_mine.ts', 'utf8')]).toEqual([2, 'mine'])
    expect(stderr).toContain('backfill_mine.ts is there already, and stays as it is')
  })

  test.each(['../evil', 'a b', '1st', 'ünï', ''])('refuses the name %j', async (name) => {
    expect(await drover(['create', 'backfill', name])).toMatchObject({ code: 2 })
  })

  test('says that the folder is missing', async () => {
    const { code, stderr } = await drover(['create', 'backfill', 'x', '-d', 'nowhere'])
    expect([code, stderr]).toEqual([2, expect.stringContaining('There is no folder nowhere.')])
  })
})

describe('drover backfill --list', () => {
  test('names those of the folder, and what they say of themselves', async () => {
    folder.write(
      'backfills/backfill_by_hand.ts',
      `/**\n * Purpose: counts\n *   to three.\n *\n * more\n */\n${byHand('by-hand')}`,
    )
    folder.write('backfills/backfill_by_hand.test.ts', '')
    const { code, stdout } = await drover(['backfill', '--list', '--json'])
    expect(code).toBe(0)
    expect(events(stdout)).toEqual([
      expect.objectContaining({ feature: 'content_length', whenToRun: expect.stringContaining('after the migration') }),
      expect.objectContaining({ feature: 'mine', module: './backfill_mine.ts' }),
      { feature: 'by_hand', module: './backfills/backfill_by_hand.ts', purpose: 'counts to three.' },
    ])
  })

  test('names those of a file, and what to do where there are none', async () => {
    folder.write('config/drover.yaml', 'backfills:\n  - ../backfills/backfill_by_hand.ts\n')
    expect((await drover(['backfill', '-f', 'config/drover.yaml'])).stdout).toBe(
      'by_hand  ../backfills/backfill_by_hand.ts\n  purpose: counts to three.\n',
    )
    folder.write('empty.yaml', 'backfills: []\n')
    expect((await drover(['backfill', '--list', '-f', 'empty.yaml'])).stderr).toContain(
      'There is no backfill in empty.yaml',
    )
  })
})

describe('drover backfill', () => {
  test('says which package a module needs that is not installed', async () => {
    const { code, stderr } = await drover(['backfill', './backfill_content_length.ts'])
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('PACKAGE_MISSING: ./backfill_content_length.ts needs the package @drover/adapter-sqlite'),
    ])
  })

  test('runs what was created, by its path and by its name', async () => {
    symlinkSync(path.resolve(import.meta.dirname, '../../node_modules'), 'node_modules')
    // What failed to load is not tried again in this process.
    writeFileSync('backfill_content_length2.ts', readFileSync('backfill_content_length.ts'))
    const run = await drover(['backfill', './backfill_content_length2.ts'])
    expect(run).toMatchObject({ code: 0, stdout: expect.stringMatching(/content-length: completed[\s\S]*50 updated/) })
    expect(rowsOf('app.db', 'SELECT sum(content_length = length(content)) AS n FROM messages')).toEqual([{ n: 50 }])
    expect((await drover(['backfill', 'content_length2'])).stdout).toContain('0 records')
  })

  test('runs one that was written by hand, batch by batch, with the options of the file that lists it', async () => {
    folder.write(
      'listed.yaml',
      'state: { type: directory, directory: hand }\nbackfills:\n  - module: ./backfills/backfill_by_hand.ts\n    stopAfter: { records: 1 }\n',
    )
    expect(await drover(['backfill', 'by_hand', '-f', 'listed.yaml'])).toMatchObject({ code: 130 })
    expect(await drover(['backfill', 'by_hand', '-f', 'listed.yaml', '--stop-after', '9'])).toMatchObject({ code: 0 })
    expect(await drover(['backfill', 'by_hand', '--state', 'hand', '--again', 'nothing'])).toMatchObject({
      stdout: expect.stringContaining('by-hand: nothing to do'),
    })
  })

  test.each([
    ['by_hant', 'There is no backfill "by_hant"; did you mean "by_hand"?'],
    ['./none.ts', 'SOURCE_NOT_FOUND: There is no file ./none.ts'],
    ['./empty.ts', 'NAME_UNKNOWN: ./empty.ts has no default export; name one behind a #. There is: other.'],
    ['./empty.ts#othr', './empty.ts exports no "othr"; did you mean "other"?'],
    ['./empty.ts#other', 'OPTION_INVALID: ./empty.ts#other exports no backfill'],
    ['./throws.ts', './throws.ts cannot be loaded: password=*** is wrong'],
    ['./broken.ts', './broken.ts cannot be loaded: '],
  ])('%s is refused', async (module, said) => {
    folder.write('empty.ts', 'export const other: number = 1\n')
    folder.write('throws.ts', "throw new Error('password=hunter2 is wrong')\n")
    folder.write('broken.ts', 'export default {{\n')
    const { code, stderr } = await drover(['backfill', module])
    expect(stderr).toContain(said)
    expect([code, stderr.includes('hunter2')]).toEqual([2, false])
  })

  test('a module that a file lists is named with its place there', async () => {
    folder.write('wrong.yaml', 'backfills:\n  - ./empty.ts\n')
    expect((await drover(['backfill', 'empty', '-f', 'wrong.yaml'])).stderr).toContain(
      'wrong.yaml:2:5: ./empty.ts has no default export',
    )
  })
})
