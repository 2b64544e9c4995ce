import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { encodeJson } from './json-values.js'
import { ndjsonSource } from './ndjson-source.js'
import { operation, records, whole } from './testing/drive.js'
import { largePages, readAll } from './testing/read-all.js'
import { tempFolder } from './testing/temp-folder.js'

const linesOf = (rows: readonly object[]): string => rows.map((row) => `${encodeJson(row)}\n`).join('')

function fileOf(content: string | Uint8Array, name = 'in.ndjson'): string {
  const path = `${tempFolder()}/${name}`
  writeFileSync(path, content)
  return path
}

describe('ndjsonSource, what is wrong', () => {
  test.each([
    [{ path: '' }, /path is a text/],
    [{ path: 'a', keys: 'id' }, /did you mean "key"/],
    [{ path: 'a', key: [] }, /key is the name/],
    [{ path: 'a', key: ['a', 'a'] }, /key is the name/],
    [{ path: 'a', schema: [] }, /schema is an object with fields/],
    [{ path: 'a', values: 'x' }, /values/],
  ])('refuses %o', (options, message) => {
    const make = () => ndjsonSource(options as never)
    expect(make).toThrow(expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringMatching(message) }))
  })

  test('says what is not there, and what is no file', async () => {
    const folder = tempFolder()
    mkdirSync(`${folder}/in.ndjson`)
    const connect = (path: string) => ndjsonSource({ path }).connect(operation)
    await expect(connect(`${folder}/no.ndjson`)).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: expect.stringContaining('no.ndjson'),
    })
    await expect(connect(`${folder}/in.ndjson`)).rejects.toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringContaining('folder'),
    })
    await expect(connect(fileOf(Buffer.from('\ufeff{}', 'utf16le')))).rejects.toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringContaining('UTF-16'),
    })
  })

  test('says that compressed data are damaged', async () => {
    const whole = gzipSync(linesOf(records(100)))
    const damaged = fileOf(whole.subarray(0, whole.length - 20))
    await expect(readAll(ndjsonSource({ path: damaged }))).rejects.toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringContaining('uncompressed'),
    })
    await expect(readAll(ndjsonSource({ path: fileOf('{}'), gzip: true }))).rejects.toMatchObject({
      code: 'SOURCE_INVALID',
    })
  })

  test('notices that the file is another one than the run was at', async () => {
    for (const gzip of [false, true]) {
      const pack = (text: string) => (gzip ? gzipSync(text) : text)
      const path = fileOf(pack('{"a":1}\n{"a":2}\n'))
      const cursor = (await readAll(ndjsonSource({ path }))).cursors.at(-1) ?? null
      writeFileSync(path, pack('{"a":1}\n'))
      await expect(readAll(ndjsonSource({ path }), largePages, cursor)).rejects.toMatchObject({
        code: 'SOURCE_INVALID',
        message: expect.stringContaining('shorter'),
      })
      writeFileSync(path, pack(`{"text":"${'x'.repeat(100)}"}\n`))
      await expect(readAll(ndjsonSource({ path }), largePages, cursor)).rejects.toMatchObject({
        code: 'SOURCE_INVALID',
        message: expect.stringContaining('replaced'),
      })
    }
    const path = fileOf('{"a":1}\n')
    truncateSync(path, 7)
    await expect(readAll(ndjsonSource({ path }), largePages, { offset: 8, line: 1 })).rejects.toMatchObject({
      code: 'SOURCE_INVALID',
    })
    await expect(readAll(ndjsonSource({ path }), largePages, 'mine')).rejects.toMatchObject({ code: 'STATE_INVALID' })
  })

  test('gives up when it is told to', async () => {
    const path = fileOf(linesOf(records(10)))
    const controller = new AbortController()
    await using session = await ndjsonSource({ path }).connect(operation)
    controller.abort()
    const pages = session.read({ signal: controller.signal, partition: whole, after: null, page: largePages })
    await expect(pages[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'ABORTED' })
  })
})
