import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type JsonSinkOptions, jsonSink } from './json-sink.js'
import { jsonSource } from './json-source.js'
import { MemberFinder } from './member-finder.js'
import { operation, records, runOnce, whole } from './testing/drive.js'
import { largePages, readAll } from './testing/read-all.js'
import { tempFolder } from './testing/temp-folder.js'

const before = { metadata: { n: 1, 'a"b': ['[', { c: null }] }, checkpoints_: [] }
const envelope = { member: 'checkpoints', before }
const later = (start: number) => ({ run: 'run-2', from: start, partition: { ...whole, start } })
const filesOf = (folder: string) =>
  readdirSync(folder)
    .filter((name) => !name.startsWith('.'))
    .sort()

describe('an array in an envelope', () => {
  test.each([0, 1, 3])('is written as JSON.stringify writes it, indented by %i', async (indent) => {
    const path = `${tempFolder()}/out.json`
    const rows = [{ a: 1, b: [{ c: [] }] }, { a: 2 }]
    await runOnce(jsonSink({ path, envelope, indent }), rows, { batchSize: 1 })
    const text = readFileSync(path, 'utf8')
    const expected = JSON.stringify({ ...before, checkpoints: rows }, null, indent)
    expect(indent === 0 ? text.replaceAll('\n', '') : text.slice(0, -1)).toBe(expected)
    expect(text.endsWith('}\n')).toBe(true)
  })

  test.each([0, 2])('is empty where there is no record, indented by %i', async (indent) => {
    const path = `${tempFolder()}/out.json`
    await runOnce(jsonSink({ path, envelope, indent }), [])
    expect(readFileSync(path, 'utf8')).toBe(`${JSON.stringify({ ...before, checkpoints: [] }, null, indent)}\n`)
  })

  test('needs nothing before the array', async () => {
    const path = `${tempFolder()}/out.json`
    await runOnce(jsonSink({ path, envelope: { member: 'rows' } }), [{ a: 1 }])
    expect(readFileSync(path, 'utf8')).toBe('{"rows":[\n{"a":1}\n]}\n')
  })

  test.each<Partial<JsonSinkOptions>>([{}, { indent: 2 }, { gzip: true }])(
    'is continued by incremental runs, and read from any cursor: %o',
    async (options) => {
      const path = `${tempFolder()}/out.json`
      const sink = jsonSink({ path, envelope, ...options })
      await runOnce(sink, records(3))
      await runOnce(sink, records(7), later(3))
      const bytes = readFileSync(path)
      const text = (options.gzip ? gunzipSync(bytes) : bytes).toString()
      expect(JSON.parse(text)).toEqual({ ...before, checkpoints: records(7) })
      const { rows, cursors } = await readAll(jsonSource({ path, member: 'checkpoints' }), { records: 2, bytes: 1e6 })
      expect(rows).toEqual(records(7))
      for (const [i, cursor] of cursors.entries()) {
        const rest = await readAll(jsonSource({ path, member: 'checkpoints' }), largePages, cursor)
        expect(rest.rows).toEqual(records(7).slice((i + 1) * 2))
      }
      await using session = await sink.connect(operation)
      const back = session.readBack?.()
      expect((await readAll(back as never)).rows).toEqual(records(7))
    },
  )

  test.each<Partial<JsonSinkOptions>>([{}, { indent: 2 }, { gzip: true }])(
    'that was empty is continued: %o',
    async (options) => {
      const path = `${tempFolder()}/out.json`
      await runOnce(jsonSink({ path, envelope, ...options }), [])
      await runOnce(jsonSink({ path, envelope, ...options }), records(2), {
        run: 'run-2',
        partition: { ...whole, start: 0 },
      })
      expect((await readAll(jsonSource({ path, member: 'checkpoints' }))).rows).toEqual(records(2))
    },
  )

  test.each([
    ['another envelope', { member: 'checkpoints', before: { metadata: 2 } }],
    ['no envelope', undefined],
  ])('is not continued in a file of %s', async (_, other) => {
    const path = `${tempFolder()}/out.json`
    await runOnce(jsonSink({ path, ...(other === undefined ? {} : { envelope: other }) }), records(2))
    await expect(runOnce(jsonSink({ path, envelope }), records(3), later(2))).rejects.toMatchObject({
      code: 'SINK_NOT_READY',
      message: expect.stringContaining('was not written by Drover with this envelope'),
    })
  })

  test('stands in every file of a directory, with names as they are asked for', async () => {
    const folder = tempFolder()
    writeFileSync(`${folder}/other.json`, '5')
    const sink = jsonSink({ directory: folder, fileName: 'export_####', envelope })
    await runOnce(sink, records(5), { batchSize: 2 })
    await runOnce(sink, records(6), later(5))
    expect(filesOf(folder)).toEqual([1, 2, 3, 4].map((n) => `export_000${n}.json`).concat('other.json'))
    expect(JSON.parse(readFileSync(`${folder}/export_0002.json`, 'utf8'))).toEqual({
      ...before,
      checkpoints: records(4).slice(2),
    })
    await using session = await sink.connect(operation)
    expect((await readAll(session.readBack?.() as never)).rows).toEqual(records(6))
  })

  test('of another partition has its name behind the pattern', async () => {
    const folder = tempFolder()
    const sink = jsonSink({ directory: folder, fileName: 'export_##', gzip: true })
    await runOnce(sink, records(2), { partition: { id: 'p1', bounds: null } })
    expect(filesOf(folder)).toEqual(['export_p1-01.json.gz'])
    expect((await readAll(jsonSource({ directory: folder, fileName: 'export_##' }))).rows).toEqual(records(2))
  })

  test.each([
    [{ path: 'a', envelope: { member: '' } }, /member is a text/],
    [{ path: 'a', envelope: { member: 'a', before: { a: 1 } } }, /before has "a"/],
    [{ path: 'a', envelope: { member: 'a', before: [] } }, /before is an object/],
    [{ path: 'a', envelope: { name: 'a' } }, /no option "name"/],
    [{ path: 'a', fileName: 'a_#' }, /fileName names the files of a directory/],
    [{ directory: 'a', fileName: 'a' }, /has a # for each digit/],
    [{ directory: 'a', fileName: '../a_#' }, /has a # for each digit/],
    [{ directory: 'a', fileName: '#_a' }, /has a # for each digit/],
  ])('is refused with %o', (options, message) => {
    const make = () => jsonSink(options as never)
    expect(make).toThrow(expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringMatching(message) }))
  })
})

describe('a member that holds an array', () => {
  test('is found among any others, in whatever pieces they come', () => {
    const others = fc.dictionary(
      fc.string().filter((name) => name !== 'rows' && name !== '__proto__'),
      fc.jsonValue(),
    )
    fc.assert(
      fc.property(
        others,
        fc.constantFrom(0, 2),
        fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
        (object, indent, sizes) => {
          const text = JSON.stringify({ x: { rows: ['no'] }, ...object, rows: ['yes'] }, null, indent)
          const bytes = Buffer.from(text)
          const finder = new MemberFinder('rows')
          for (let at = 0; at < bytes.length; ) {
            const end = at + (sizes.next().value as number)
            const found = finder.find(bytes.subarray(at, end))
            if (found !== null) {
              expect(bytes.subarray(at + found).toString()).toMatch(/^\[\s*"yes"\s*\]\s*\}$/)
              return
            }
            at = end
          }
          expect.unreachable()
        },
      ),
    )
  })

  test.each([
    ['[1]', /byte 0 should be an object/],
    ['{"a":[]}', /byte 7 should be the member "rows"/],
    ['{"rows":1}', /byte 8 should be an array/],
    ['{"rows":[1', /ends where the end of a record should be/],
    ['{"rows":[{}]', /ends where the end of the object should be/],
    ['{"rows":[{}],"a":"', /ends where the end of the object should be/],
    ['{"a":{"rows":[', /ends where the member "rows" should be/],
    ['', /ends where the member "rows" should be/],
  ])('%s is refused', async (text, message) => {
    const path = `${tempFolder()}/in.json`
    writeFileSync(path, text)
    await expect(readAll(jsonSource({ path, member: 'rows' }))).rejects.toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringMatching(message),
    })
  })

  test('may be followed by others', async () => {
    const path = `${tempFolder()}/in.json`
    writeFileSync(path, '\ufeff{"r\\u006fws": [{"a":1}] , "b": [2] }\n')
    expect((await readAll(jsonSource({ path, member: 'rows' }))).rows).toEqual([{ a: 1 }])
  })
})
