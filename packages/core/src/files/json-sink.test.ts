import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { indentJson } from './indent-json.js'
import { JsonLinesPage } from './json-lines-page.js'
import { jsonSink } from './json-sink.js'
import { decodeJson, encodeJson } from './json-values.js'
import { batchOf, drive, driveDefaults, operation, records, runOnce, startOf, whole } from './testing/drive.js'
import { tempFolder } from './testing/temp-folder.js'

const later = (start: number) => ({ run: 'run-2', from: start, partition: { ...whole, start } })
const filesOf = (folder: string) =>
  readdirSync(folder)
    .filter((name) => !name.startsWith('.'))
    .sort()

describe('jsonSink with path', () => {
  test('writes one array, a record per line', async () => {
    const path = `${tempFolder()}/out.json`
    await runOnce(jsonSink({ path }), [{ a: 1 }, { b: [2n ** 60n] }], { batchSize: 1 })
    expect(readFileSync(path, 'utf8')).toBe('[\n{"a":1},\n{"b":[1152921504606846976]}\n]\n')
  })

  test('indents as JSON.stringify does', async () => {
    const path = `${tempFolder()}/out.json`
    const rows = [{ a: { b: [1, { c: 'x,{"\\' }], d: {}, e: [] } }, { f: null }]
    await runOnce(jsonSink({ path, indent: 2 }), rows)
    expect(readFileSync(path, 'utf8')).toBe(`${JSON.stringify(rows, null, 2)}\n`)
  })

  test('writes an empty array for no records', async () => {
    const path = `${tempFolder()}/out.json`
    await runOnce(jsonSink({ path, singleFile: true }), [])
    expect(readFileSync(path, 'utf8')).toBe('[]\n')
  })

  test.each([{}, { indent: 3 }, { gzip: true }])(
    'stays one array over partitions, resumes and incremental runs: %o',
    async (options) => {
      const folder = tempFolder()
      const path = `${folder}/out.json`
      const sink = jsonSink({ path, ...options })
      const rows = records(12)
      {
        await using session = await sink.connect(operation)
        for (const id of ['a', 'b', 'c']) {
          const partition = { id, bounds: null }
          if (id !== 'b')
            await expect(drive(session, rows.slice(0, 6), { partition, onCommit: stopAt(2) })).rejects.toThrow(
              'stopped',
            )
        }
      }
      {
        await using session = await sink.connect(operation)
        await drive(session, rows.slice(0, 6), { partition: { id: 'a', bounds: null }, fence: 2 })
        await drive(session, [], { partition: { id: 'b', bounds: null }, fence: 2 })
        await drive(session, rows.slice(0, 6), { partition: { id: 'c', bounds: null }, fence: 2 })
        await session.finish?.('completed', operation)
      }
      const read = () =>
        decodeJson((options.gzip === true ? gunzipSync : (bytes: Buffer) => bytes)(readFileSync(path)).toString())
      const twice = [...rows.slice(0, 6), ...rows.slice(0, 6)]
      expect(read()).toEqual(twice)
      await runOnce(sink, rows, later(6))
      expect(read()).toEqual([...twice, ...rows.slice(6)])
      await runOnce(sink, rows, { ...later(12), run: 'run-3' })
      expect(read()).toEqual([...twice, ...rows.slice(6)])
    },
  )

  test.each([
    ['[]', 0],
    ['', 0],
    ['[{"id":0}]', 1],
    ['[\n  {"id":0}\n]\r\n', 1],
  ])('continues an array of another program: %j', async (text, before) => {
    const path = `${tempFolder()}/out.json`
    writeFileSync(path, text)
    await runOnce(jsonSink({ path }), records(2), later(0))
    expect(decodeJson(readFileSync(path, 'utf8'))).toEqual([...(before === 1 ? [{ id: 0 }] : []), ...records(2)])
  })

  test.each([
    ['{"a":1}', false],
    ['[1,', false],
    ['no JSON', false],
    [' [ ]', false],
    ['[1]', true],
  ])('refuses to continue %j', async (text, gzip) => {
    const path = `${tempFolder()}/out.json`
    writeFileSync(path, gzip ? gzipSync(text) : text)
    await expect(runOnce(jsonSink({ path, gzip }), records(1), later(0))).rejects.toMatchObject({
      code: 'SINK_NOT_READY',
    })
    expect((gzip ? gunzipSync(readFileSync(path)) : readFileSync(path)).toString()).toBe(text)
  })

  test('takes JSON lines as they are', async () => {
    const path = `${tempFolder()}/out.json`
    for (const indent of [0, 2]) {
      await using session = await jsonSink({ path, indent }).connect(operation)
      const run = `run-${indent}`
      const position = startOf(await session.claim({ run, partition: whole, fence: 1 }, operation), {
        ...driveDefaults,
        run,
      })
      const lines = Buffer.from('{"id":9007199254740993}\n{"id":2}\n')
      const page = new JsonLinesPage({ lines, count: 2, cursor: 2, keys: () => [] })
      const pages = async function* () {
        yield page
      }
      const batch = { ...batchOf(position, records(2), { done: true }), [Symbol.asyncIterator]: pages }
      await session.write(batch, { ...operation, mode: 'commit' })
      await session.finish?.('completed', operation)
      expect(readFileSync(path, 'utf8')).toBe(
        indent === 0
          ? '[\n{"id":9007199254740993},\n{"id":2}\n]\n'
          : '[\n  {\n    "id": 9007199254740993\n  },\n  {\n    "id": 2\n  }\n]\n',
      )
    }
  })
})

describe('jsonSink with directory', () => {
  test('writes a file per batch, each as soon as it is committed', async () => {
    const directory = `${tempFolder()}/out`
    await using session = await jsonSink({ directory }).connect(operation)
    const seen: string[][] = []
    await drive(session, records(8), { onCommit: () => seen.push(filesOf(directory)) })
    expect(seen).toEqual([[], ['000001.json'], ['000001.json', '000002.json']])
    await session.finish?.('completed', operation)
    expect(filesOf(directory)).toEqual(['000001.json', '000002.json', '000003.json'])
    expect(decodeJson(readFileSync(`${directory}/000003.json`, 'utf8'))).toEqual(records(8).slice(6))
  })

  test('writes no file for a batch without rows', async () => {
    const directory = `${tempFolder()}/out`
    await using session = await jsonSink({ directory, gzip: true, indent: 1 }).connect(operation)
    let position = startOf(await session.claim({ run: 'run-1', partition: whole, fence: 1 }, operation), driveDefaults)
    for (const rows of [[], records(2), []]) {
      const batch = batchOf(position, rows, { done: false, onCommit: (commit) => (position = commit) })
      await session.write(batch, { ...operation, mode: 'commit' })
    }
    expect(filesOf(directory)).toEqual(['000001.json.gz'])
    expect(gunzipSync(readFileSync(`${directory}/000001.json.gz`)).toString()).toBe(
      `${JSON.stringify(records(2), null, 1)}\n`,
    )
  })

  test('names the partition if there are several', async () => {
    const directory = tempFolder()
    await using session = await jsonSink({ directory }).connect(operation)
    await Promise.all(['p1', 'P1'].map((id) => drive(session, records(4), { partition: { id, bounds: null } })))
    await session.finish?.('completed', operation)
    expect(filesOf(directory)).toEqual(['%501-000001.json', '%501-000002.json', 'p1-000001.json', 'p1-000002.json'])
  })

  test('goes on counting in an incremental run, and replaces the files of an earlier full one', async () => {
    const directory = tempFolder()
    const sink = jsonSink({ directory })
    await runOnce(sink, records(6))
    await runOnce(sink, records(8), later(6))
    expect(filesOf(directory)).toEqual(['000001.json', '000002.json', '000003.json'])
    await runOnce(sink, records(2), { run: 'run-3' })
    expect(filesOf(directory)).toEqual(['000001.json'])
    expect(decodeJson(readFileSync(`${directory}/000001.json`, 'utf8'))).toEqual(records(2))
  })

  test('removes what an earlier run left of partitions that are no more, and nothing else', async () => {
    const directory = tempFolder()
    const sink = jsonSink({ directory })
    writeFileSync(`${directory}/b-notes.json`, '[]')
    {
      await using session = await sink.connect(operation)
      for (const id of ['a', 'b']) await drive(session, records(4), { partition: { id, bounds: null } })
      await session.finish?.('completed', operation)
    }
    await runOnce(sink, records(2), { run: 'run-2', partition: { id: 'a', bounds: null } })
    expect(filesOf(directory)).toEqual(['a-000001.json', 'b-notes.json'])
    await runOnce(sink, records(2), { run: 'run-3', partition: { id: 'a', bounds: null } })
    expect(filesOf(directory)).toEqual(['a-000001.json', 'b-notes.json'])
  })

  test('touches no file of such a name that it did not write, unless it is told to', async () => {
    const directory = tempFolder()
    writeFileSync(`${directory}/000007.json`, 'theirs')
    await expect(runOnce(jsonSink({ directory }), records(2))).rejects.toMatchObject({
      code: 'SINK_NOT_READY',
      message: expect.stringContaining('000007.json'),
    })
    expect(readFileSync(`${directory}/000007.json`, 'utf8')).toBe('theirs')
    await runOnce(jsonSink({ directory, onExisting: 'replace' }), records(2))
    expect(filesOf(directory)).toEqual(['000001.json'])
    await expect(
      runOnce(jsonSink({ directory, onExisting: 'error' }), records(2), { run: 'run-2' }),
    ).rejects.toMatchObject({
      code: 'SINK_NOT_READY',
    })
  })
})

describe('jsonSink, options and places', () => {
  test.each([
    [{}, /path.*or directory/],
    [{ path: 'a', directory: 'b' }, /path.*or directory/],
    [{ path: 'a', singleFile: false }, /singleFile is false.*directory/],
    [{ directory: 'a', singleFile: true }, /singleFile is true.*path/],
    [{ path: 'a', indent: -1 }, /indent/],
    [{ path: 'a', ident: 2 }, /did you mean "indent"/],
    [{ directory: 5 }, /directory is a text/],
  ])('refuses %o', (options, message) => {
    const make = () => jsonSink(options as never)
    expect(make).toThrow(expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringMatching(message) }))
  })

  test('refuses a file in place of the folder, and a folder in place of the file', async () => {
    const folder = tempFolder()
    writeFileSync(`${folder}/file`, '')
    mkdirSync(`${folder}/folder`)
    for (const options of [{ directory: `${folder}/file` }, { path: `${folder}/folder` }]) {
      await expect(jsonSink(options).connect(operation)).rejects.toMatchObject({ code: 'SINK_NOT_READY' })
    }
  })

  test('writes nothing by connecting', async () => {
    const folder = tempFolder()
    await using one = await jsonSink({ path: `${folder}/a/out.json` }).connect(operation)
    await using many = await jsonSink({ directory: `${folder}/b` }).connect(operation)
    expect([one.heldBytes?.(), many.heldBytes?.(), existsSync(`${folder}/a`), existsSync(`${folder}/b`)]).toEqual([
      0,
      0,
      false,
      false,
    ])
  })
})

test('indentJson spreads any JSON as JSON.stringify does', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.integer({ min: 1, max: 4 }), (value, indent) => {
      const text = encodeJson(value)
      fc.pre(text === JSON.stringify(value))
      expect(indentJson(text, indent, 0)).toBe(JSON.stringify(value, null, indent))
    }),
  )
})

function stopAt(sequence: number) {
  return (commit: { readonly sequence: number }) => {
    if (commit.sequence === sequence) throw new Error('stopped')
  }
}
