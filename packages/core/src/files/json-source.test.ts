import { mkdirSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ArrayScanner } from './array-scanner.js'
import { jsonSink } from './json-sink.js'
import { jsonSource } from './json-source.js'
import { operation, records, runOnce, whole } from './testing/drive.js'
import { countOf, describeSource, largePages, readAll } from './testing/read-all.js'
import { tempFolder } from './testing/temp-folder.js'

function fileOf(content: string | Uint8Array, name = 'in.json'): string {
  const path = `${tempFolder()}/${name}`
  writeFileSync(path, content)
  return path
}

describe('jsonSource with path', () => {
  test.each([{}, { indent: 2 }, { gzip: true }])('reads what jsonSink wrote: %o', async (options) => {
    const path = `${tempFolder()}/in.json`
    const rows = [...records(30), { a: 2n ** 60n, b: new Uint8Array([1]), c: '[]{}"\\', d: { $numberLong: 'x' } }]
    await runOnce(jsonSink({ path, ...options }), rows)
    const { rows: read, keys } = await readAll(jsonSource({ path }))
    expect(read).toStrictEqual(rows)
    expect(keys[30]?.source).toEqual([30])
    expect(await countOf(jsonSource({ path }))).toEqual({ value: 31, exact: true })
    expect((await describeSource(jsonSource({ path, key: 'id' }))).fields.slice(0, 2)).toEqual([
      { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false },
      { name: 'text', type: { kind: 'text' }, nullable: true },
    ])
  })

  test('finds the elements of any array, in whatever pieces it comes', () => {
    const array = fc.tuple(fc.array(fc.jsonValue({ noUnicodeString: false })), fc.constantFrom(0, 1, 3))
    fc.assert(
      fc.property(array, fc.infiniteStream(fc.integer({ min: 1, max: 9 })), ([values, indent], sizes) => {
        const bytes = Buffer.from(` ${JSON.stringify(values, null, indent)}\n`)
        const scanner = new ArrayScanner(0, false)
        const found: unknown[] = []
        for (let at = 0; at < bytes.length; ) {
          const end = at + (sizes.next().value as number)
          const { starts, ends } = scanner.scan(bytes.subarray(at, end))
          for (const [i, start] of starts.entries()) found.push(JSON.parse(bytes.subarray(start, ends[i]).toString()))
          at = end
        }
        expect(found).toEqual(JSON.parse(JSON.stringify(values)))
        expect(scanner.missing).toBeNull()
      }),
      { numRuns: 200 },
    )
  })

  test('goes on behind any cursor', async () => {
    for (const gzip of [false, true]) {
      const path = `${tempFolder()}/in.json`
      await runOnce(jsonSink({ path, gzip, indent: 1 }), records(10))
      const { cursors } = await readAll(jsonSource({ path }), { records: 3, bytes: 1_000_000 })
      expect(cursors).toHaveLength(4)
      for (const [i, cursor] of cursors.entries()) {
        const { rows, keys } = await readAll(jsonSource({ path }), largePages, cursor)
        expect(rows).toEqual(records(10).slice(3 * (i + 1)))
        if (rows.length > 0) expect(keys[0]?.source).toEqual([3 * (i + 1)])
      }
    }
  })

  test('finds the elements that were appended since', async () => {
    const path = `${tempFolder()}/in.json`
    await runOnce(jsonSink({ path }), records(3))
    const cursor = (await readAll(jsonSource({ path }))).cursors.at(-1) ?? null
    await runOnce(jsonSink({ path }), records(5), { run: 'run-2', from: 3, partition: { ...whole, start: 3 } })
    expect((await readAll(jsonSource({ path }), largePages, cursor)).rows).toEqual(records(5).slice(3))
  })

  test('rejects elements that cannot be read, by their place and with their bytes', async () => {
    const path = fileOf(
      Buffer.concat([
        Buffer.from('[{"a":1},5,"x, ]",[{}],{"a":01},{"a":2},{"b":"'),
        Buffer.from([0xff]),
        Buffer.from('"}, null]'),
      ]),
    )
    const { rows, rejected } = await readAll(jsonSource({ path }))
    expect(rows).toEqual([{ a: 1 }, { a: 2 }])
    expect(rejected.map(({ key }) => key)).toEqual([[1], [2], [3], [4], [6], [7]])
    expect(rejected.map(({ raw }) => Buffer.from(raw ?? []).toString('latin1'))).toEqual([
      '5',
      '"x, ]"',
      '[{}]',
      '{"a":01}',
      '{"b":"\xff"}',
      'null',
    ])
    for (const { error } of rejected)
      expect(error).toMatchObject({ code: 'RECORD_UNREADABLE', message: expect.stringContaining('element') })
  })

  test.each([
    ['', /ends where an array should be/],
    ['{"a":1}\n{"a":2}', /byte 0 should be an array.*ndjsonSource/],
    ['[{"a":1}', /ends where a comma or the end of the array/],
    ['[{"a":1},{"a"', /ends where the end of a record/],
    ['[{"a":"', /ends where the end of a record/],
    ['[{"a":1},]', /byte 9 should be a record/],
    ['[,{"a":1}]', /byte 1 should be a record or the end/],
    ['[{"a":1}{"a":2}]', /byte 8 should be a comma/],
    ['[{"a":1}][]', /byte 9 should be nothing more/],
  ])('says where %j is no array of records', async (text, message) => {
    const reading = readAll(jsonSource({ path: fileOf(text) }))
    await expect(reading).rejects.toMatchObject({ code: 'SOURCE_INVALID', message: expect.stringMatching(message) })
  })

  test('takes a byte order mark, an empty array, and a record of many chunks', async () => {
    expect((await readAll(jsonSource({ path: fileOf('\ufeff[ ]\n') }))).rows).toEqual([])
    const text = '\\"]}'.repeat(700_000)
    const path = fileOf(`[{"a":1},{"text":${JSON.stringify(text)}} , {"a":2}]`)
    const { rows, pages } = await readAll(jsonSource({ path }), { records: 10, bytes: 100 })
    expect(rows).toEqual([{ a: 1 }, { text }, { a: 2 }])
    expect(pages).toEqual([1, 1, 1])
  })
})

describe('jsonSource with directory', () => {
  test('reads all files in the order of their names', async () => {
    const directory = tempFolder()
    const sink = jsonSink({ directory })
    await runOnce(sink, records(8))
    writeFileSync(`${directory}/000002b.json.gz`, gzipSync('[{"id":"x"}]'))
    writeFileSync(`${directory}/notes.txt`, 'no JSON')
    writeFileSync(`${directory}/.hidden.json`, 'no JSON')
    const { rows, keys, cursors } = await readAll(jsonSource({ directory }), { records: 2, bytes: 1000 })
    expect(rows).toEqual([...records(8).slice(0, 6), { id: 'x' }, ...records(8).slice(6)])
    expect(keys[7]?.source).toEqual(['000003.json', 0])
    expect(await countOf(jsonSource({ directory }))).toEqual({ value: 9, exact: true })
    const cursor = cursors[2] ?? null
    expect((await readAll(jsonSource({ directory }), largePages, cursor)).rows).toEqual(rows.slice(5))
    const end = cursors.at(-1) ?? null
    await runOnce(sink, records(9), { run: 'run-2', from: 8, partition: { ...whole, start: 8 } })
    expect((await readAll(jsonSource({ directory }), largePages, end)).rows).toEqual(records(9).slice(8))
  })

  test('names the file that is wrong', async () => {
    const directory = tempFolder()
    writeFileSync(`${directory}/1.json`, '[{"a":1}]')
    writeFileSync(`${directory}/2.json`, '[{"a":2}')
    await expect(readAll(jsonSource({ directory }))).rejects.toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringContaining('2.json'),
    })
  })
})

describe('jsonSource, what is wrong', () => {
  test.each([
    [{}, /path.*or directory/],
    [{ path: 'a', directory: 'b' }, /path.*or directory/],
    [{ directory: '' }, /directory is a text/],
    [{ path: 'a', indent: 2 }, /no option "indent"/],
  ])('refuses %o', (options, message) => {
    const make = () => jsonSource(options as never)
    expect(make).toThrow(expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringMatching(message) }))
  })

  test('says what is not there, and what is of the wrong kind', async () => {
    const folder = tempFolder()
    mkdirSync(`${folder}/empty`)
    const code = async (options: Parameters<typeof jsonSource>[0]) => {
      try {
        await readAll(jsonSource(options))
        return 'nothing'
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    expect(await code({ path: `${folder}/no.json` })).toBe('SOURCE_NOT_FOUND')
    expect(await code({ directory: `${folder}/no` })).toBe('SOURCE_NOT_FOUND')
    expect(await code({ directory: `${folder}/empty` })).toBe('SOURCE_NOT_FOUND')
    expect(await code({ path: folder })).toBe('SOURCE_INVALID')
    expect(await code({ directory: fileOf('[]') })).toBe('SOURCE_INVALID')
    await expect(readAll(jsonSource({ path: fileOf('[]') }), largePages, 5)).rejects.toMatchObject({
      code: 'STATE_INVALID',
    })
    expect(operation.signal.aborted).toBe(false)
  })
})
