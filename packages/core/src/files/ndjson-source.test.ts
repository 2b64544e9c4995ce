import { appendFileSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeJson } from './json-values.js'
import { ndjsonSink } from './ndjson-sink.js'
import { ndjsonSource } from './ndjson-source.js'
import { operation, records, runOnce, whole } from './testing/drive.js'
import { countOf, describeSource, largePages, readAll } from './testing/read-all.js'
import { tempFolder } from './testing/temp-folder.js'

const linesOf = (rows: readonly object[]): string => rows.map((row) => `${encodeJson(row)}\n`).join('')

function fileOf(content: string | Uint8Array, name = 'in.ndjson'): string {
  const path = `${tempFolder()}/${name}`
  writeFileSync(path, content)
  return path
}

describe('ndjsonSource', () => {
  test('reads what ndjsonSink wrote, with line numbers as keys', async () => {
    const path = `${tempFolder()}/in.ndjson`
    const rows = [
      { a: 1n << 60n, b: new Uint8Array([1]), c: Number.NaN, d: 'ä' },
      { $json: 1 },
      { e: [-0, { $binary: 1 }] },
    ]
    await runOnce(ndjsonSink({ path }), rows)
    const read = await readAll(ndjsonSource({ path }))
    expect(read.rows).toStrictEqual(rows)
    expect(read.keys.map((key) => key.source)).toEqual([[1], [2], [3]])
    expect(await readAll(ndjsonSource({ path, values: 'plain' }))).toMatchObject({
      rows: [{ b: { $binary: {} } }, {}, {}],
    })
  })

  test('takes CRLF, empty lines, a byte order mark, and a last line without an end', async () => {
    const path = fileOf('\ufeff{"a":1}\r\n\r\n  \t\n{"a":2}\n\n{"a":"ü"}')
    const { rows, keys, rejected } = await readAll(ndjsonSource({ path }))
    expect(rows).toEqual([{ a: 1 }, { a: 2 }, { a: 'ü' }])
    expect(keys.map((key) => key.source)).toEqual([[1], [4], [6]])
    expect(rejected).toEqual([])
    expect(await countOf(ndjsonSource({ path }))).toEqual({ value: 3, exact: true })
  })

  test('reads an empty file, and one of empty lines, as no records', async () => {
    for (const content of ['', '\n\n', '\ufeff']) {
      expect((await readAll(ndjsonSource({ path: fileOf(content) }))).rows).toEqual([])
    }
  })

  test('rejects each line that cannot be read, by its number and with its bytes, and quotes none of it', async () => {
    const bad = ['{"a":', '[1]', 'null', '5', '"x"', '{"a":1}{"a":2}', "{'secret':1}", '\0\0']
    const path = fileOf(
      Buffer.concat([
        Buffer.from(`{"a":0}\n${bad.join('\n')}\n`),
        Buffer.from([0x7b, 0xff, 0x7d, 0x0a]),
        Buffer.from('{"a":"ü"}\n'),
      ]),
    )
    const { rows, rejected, keys } = await readAll(ndjsonSource({ path }))
    expect(rows).toEqual([{ a: 0 }, { a: 'ü' }])
    expect(keys.map((key) => key.source)).toEqual([[1], [11]])
    expect(rejected.map(({ key }) => key)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10].map((line) => [line]))
    expect(rejected.map(({ raw }) => Buffer.from(raw ?? []).toString('latin1'))).toEqual([...bad, '{\xff}'])
    for (const { error } of rejected)
      expect(error).toMatchObject({ code: 'RECORD_UNREADABLE', message: expect.stringContaining(path) })
    expect(rejected.map(({ error }) => (error as Error).message.replace(path, ''))).toEqual(
      expect.arrayContaining([
        ': line 3 is no object but an array.',
        ': line 4 is no object but null.',
        ': line 10 is not valid UTF-8.',
      ]),
    )
    expect(JSON.stringify(rejected.map(({ error }) => String((error as Error).stack)))).not.toContain('secret')
  })

  test('reads lines that end the same wherever the chunks end', async () => {
    const rows = Array.from({ length: 4000 }, (_, id) => ({ id, text: `${'ß'.repeat(id % 400)}€` }))
    const path = fileOf(linesOf(rows))
    expect((await readAll(ndjsonSource({ path }))).rows).toEqual(rows)
    expect((await readAll(ndjsonSource({ path }), { records: 7, bytes: 1000 })).rows).toEqual(rows)
  })

  test('reads a record that is larger than a page, and than many chunks', async () => {
    const text = 'x'.repeat(5_000_000)
    const path = fileOf(linesOf([{ a: 1 }, { text }, { a: 2 }]))
    const { rows, pages } = await readAll(ndjsonSource({ path }), { records: 10, bytes: 1000 })
    expect(rows).toEqual([{ a: 1 }, { text }, { a: 2 }])
    expect(pages).toEqual([1, 1, 1])
  })

  test('ends pages at records and bytes', async () => {
    const path = fileOf(linesOf(Array.from({ length: 10 }, (_, id) => ({ id }))))
    expect((await readAll(ndjsonSource({ path }), { records: 4, bytes: 1000 })).pages).toEqual([4, 4, 2])
    expect((await readAll(ndjsonSource({ path }), { records: 100, bytes: 25 })).pages).toEqual([2, 2, 2, 2, 2])
  })

  test('goes on behind any cursor, plain and compressed', async () => {
    const lines = fc.array(
      fc.oneof(
        fc.constantFrom('', ' ', 'bad', '\r'),
        fc.jsonValue().map((v) => JSON.stringify({ v })),
      ),
      { maxLength: 12 },
    )
    const folder = tempFolder()
    let file = 0
    await fc.assert(
      fc.asyncProperty(
        lines,
        fc.boolean(),
        fc.boolean(),
        fc.integer({ min: 1, max: 4 }),
        async (texts, ends, gzip, size) => {
          const path = `${folder}/${file++}`
          const content = texts.join('\n') + (ends ? '\n' : '')
          writeFileSync(path, gzip ? gzipSync(content) : content)
          const whole = await readAll(ndjsonSource({ path }), { records: size, bytes: 1_000_000 })
          let before = 0
          for (const [i, cursor] of whole.cursors.entries()) {
            before += whole.pages[i] as number
            const rest = await readAll(ndjsonSource({ path }), largePages, JSON.parse(JSON.stringify(cursor)))
            const keysOf = ({ keys, rejected }: typeof rest) =>
              [...keys.map((key) => key.source), ...rejected.map(({ key }) => key)].map((key) => JSON.stringify(key))
            expect(rest.rows.length + rest.rejected.length).toBe(whole.pages.reduce((a, b) => a + b, 0) - before)
            expect(keysOf(whole)).toEqual(expect.arrayContaining(keysOf(rest)))
            expect(whole.rows.slice(whole.rows.length - rest.rows.length)).toEqual(rest.rows)
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  test('finds the lines that were appended since, also behind a line that had no end', async () => {
    for (const end of ['\n', '']) {
      const path = fileOf(`{"a":1}\n{"a":2}${end}`)
      const cursor = (await readAll(ndjsonSource({ path }))).cursors.at(-1) ?? null
      expect((await readAll(ndjsonSource({ path }), largePages, cursor)).rows).toEqual([])
      appendFileSync(path, `${end === '' ? '\n' : ''}{"a":3}\n`)
      const { rows, keys } = await readAll(ndjsonSource({ path }), largePages, cursor)
      expect(rows).toEqual([{ a: 3 }])
      expect(keys[0]?.source).toEqual([3])
    }
  })

  test('reads files of several gzip members, by their content whatever their name is', async () => {
    const path = fileOf(Buffer.concat([gzipSync('{"a":1}\n{"a'), gzipSync('":2}\n')]))
    expect((await readAll(ndjsonSource({ path }))).rows).toEqual([{ a: 1 }, { a: 2 }])
    expect(await countOf(ndjsonSource({ path }))).toEqual({ value: 2, exact: true })
  })

  test('identifies records by their fields if told to, and rejects those without', async () => {
    const path = fileOf(linesOf([{ id: 1, sub: 'x' }, { id: null }, { id: 2n ** 60n, sub: 'y' }]))
    const { keys, rejected } = await readAll(ndjsonSource({ path, key: ['id', 'sub'] }))
    expect(keys.map((key) => key.source)).toEqual([
      [1, 'x'],
      ['1152921504606846976', 'y'],
    ])
    expect(rejected).toMatchObject([{ key: [2], error: { code: 'KEY_INVALID' } }])
  })

  test('leaves a record out of a page', async () => {
    const path = fileOf(linesOf(records(5)))
    await using session = await ndjsonSource({ path }).connect(operation)
    for await (const page of session.read({ ...operation, partition: whole, after: null, page: largePages })) {
      const part = page.slice(1, 3)
      expect([part.rows(), part.keys().map((key) => key.source), part.count]).toEqual([
        records(5).slice(1, 3),
        [[2], [3]],
        2,
      ])
      expect(part.slice(1, 9).rows()).toEqual(records(5).slice(2, 3))
      expect(page.slice(3, 99).count).toBe(2)
    }
  })
})

describe('ndjsonSource, describing', () => {
  test('infers fields; all but the key may be null', async () => {
    const path = fileOf(
      linesOf([
        { id: 1, n: 1.5, s: 'x' },
        { id: 2, n: 2, late: [1] },
      ]),
    )
    expect(await describeSource(ndjsonSource({ path, key: 'id' }))).toEqual({
      key: ['id'],
      isInferred: true,
      fields: [
        { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false },
        { name: 'n', type: { kind: 'float', bits: 64 }, nullable: true },
        { name: 's', type: { kind: 'text' }, nullable: true },
        { name: 'late', type: { kind: 'list', of: { kind: 'int', bits: 64 } }, nullable: true },
      ],
    })
  })

  test('calls values of several types json, unless tags tell integers from floats', async () => {
    const mixed = fileOf('{"v":1}\n{"v":"x"}\n')
    const tagged = fileOf(
      '{"v":{"$numberLong":"1"},"w":{"$numberDouble":"NaN"}}\n{"v":{"$numberDouble":"1.0"},"w":1.5}\n',
    )
    const kinds = async (path: string, values: 'extended' | 'plain' = 'extended') =>
      (await describeSource(ndjsonSource({ path, values }))).fields.map(({ type }) => type.kind)
    expect(await kinds(mixed)).toEqual(['json'])
    expect(await kinds(tagged)).toEqual(['any', 'float'])
    expect(await kinds(tagged, 'plain')).toEqual(['json', 'json'])
  })

  test('takes a schema as it is given', async () => {
    const fields = [{ name: 'a', type: { kind: 'text' } as const, nullable: false }]
    expect(await describeSource(ndjsonSource({ path: fileOf('{"b":1}\n'), schema: { fields } }))).toEqual({
      fields,
      key: [],
    })
  })
})
