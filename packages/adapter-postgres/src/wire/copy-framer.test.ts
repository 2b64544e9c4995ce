import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CopyRows, copyHeader, copyTrailer } from './copy-format.js'
import { CopyFramer } from './copy-framer.js'

const where = 'table "t"'
const unlimited = { records: 1000, bytes: 1 << 20 }

/** A row of COPY binary: null is NULL. */
function rowOf(fields: readonly (Uint8Array | null)[]): Buffer {
  const count = Buffer.alloc(2)
  count.writeInt16BE(fields.length)
  return Buffer.concat([
    count,
    ...fields.flatMap((field) => {
      const length = Buffer.alloc(4)
      length.writeInt32BE(field === null ? -1 : field.length)
      return field === null ? [length] : [length, field]
    }),
  ])
}

function rowsOf({ bytes, starts, end }: CopyRows): Buffer[] {
  return Array.from(starts, (start, i) => Buffer.from(bytes.subarray(start, starts[i + 1] ?? end)))
}

function allPages(framer: CopyFramer, chunks: readonly Uint8Array[]): CopyRows[] {
  const pages: CopyRows[] = []
  for (const chunk of chunks) {
    framer.push(chunk)
    for (let page = framer.take(); page !== undefined; page = framer.take()) pages.push(page)
  }
  pages.push(framer.end())
  return pages
}

const field = fc.option(fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ minLength: 100, maxLength: 3000 })))
const rows = fc.array(fc.tuple(field, field).map((fields) => rowOf(fields)))

/** Cuts a stream anywhere, also in the middle of a length. */
function cut(stream: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  let at = 0
  for (let i = 0; at < stream.length; i++) {
    const next = at + (sizes[i % sizes.length] as number)
    chunks.push(stream.subarray(at, next))
    at = next
  }
  return chunks
}

describe('CopyFramer', () => {
  test('gives every row as it came, wherever chunks end', () => {
    fc.assert(
      fc.property(rows, fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1 }), (expected, sizes) => {
        const stream = Buffer.concat([copyHeader, ...expected, copyTrailer])
        const framer = new CopyFramer({ ...unlimited, columns: 2, where })
        const found = allPages(framer, cut(stream, sizes)).flatMap(rowsOf)
        expect(Buffer.concat(found).equals(Buffer.concat(expected))).toBe(true)
        expect(found.map((row) => row.length)).toEqual(expected.map((row) => row.length))
      }),
    )
  })

  test('ends a page at so many records, or before so many bytes', () => {
    fc.assert(
      fc.property(
        rows,
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 6000 }),
        fc.integer({ min: 1, max: 9000 }),
        (expected, records, bytes, size) => {
          const stream = Buffer.concat([copyHeader, ...expected, copyTrailer])
          const pages = allPages(new CopyFramer({ columns: 2, records, bytes, where }), cut(stream, [size]))
          expect(Buffer.concat(pages.flatMap(rowsOf)).equals(Buffer.concat(expected))).toBe(true)
          for (const page of pages) {
            expect(page.starts.length).toBeLessThanOrEqual(records)
            if (page.starts.length > 1) expect(page.end - (page.starts[0] as number)).toBeLessThanOrEqual(bytes)
          }
          for (const page of pages.slice(0, -1)) expect(page.starts.length).toBeGreaterThan(0)
        },
      ),
    )
  })

  test('keeps a page as it is while the next ones are read, and what is pushed may be overwritten', () => {
    const chunk = rowOf([new Uint8Array(1000).fill(1)])
    const framer = new CopyFramer({ columns: 1, records: 1, bytes: 1 << 20, where })
    framer.push(copyHeader)
    framer.push(chunk)
    const first = framer.take() as CopyRows
    chunk.fill(0xee)
    for (let i = 0; i < 500; i++) {
      framer.push(rowOf([new Uint8Array(1000).fill(2)]))
      framer.take()
    }
    expect(rowsOf(first)).toEqual([rowOf([new Uint8Array(1000).fill(1)])])
  })

  test('holds no more than the page under way', () => {
    const framer = new CopyFramer({ columns: 1, records: 10, bytes: 1 << 20, where })
    framer.push(copyHeader)
    const row = rowOf([new Uint8Array(10_000)])
    const buffers = new Set<ArrayBufferLike>()
    for (let i = 0; i < 10_000; i++) {
      framer.push(row)
      const page = framer.take()
      if (page !== undefined) {
        buffers.add(page.bytes.buffer)
        expect(page.bytes.length).toBeLessThanOrEqual(1 << 20)
      }
    }
    expect(buffers.size).toBeGreaterThan(50)
  })

  test('gives the rows so far where a page is not waited for', () => {
    const framer = new CopyFramer({ ...unlimited, columns: 1, where })
    framer.push(Buffer.concat([copyHeader, rowOf([null]), rowOf([null]).subarray(0, 3)]))
    expect(rowsOf(framer.rest())).toEqual([rowOf([null])])
    framer.push(Buffer.concat([rowOf([null]).subarray(3), copyTrailer]))
    expect(rowsOf(framer.end())).toEqual([rowOf([null])])
  })

  test.each([
    ['does not begin as COPY binary does', Buffer.from('id,name\n1,Ada\n2,Grace\n')],
    ['has a row of 1 columns instead of 2', Buffer.concat([copyHeader, rowOf([null])])],
    ['broke off', Buffer.concat([copyHeader, rowOf([null, null]).subarray(0, 4)])],
    ['broke off', Buffer.concat([copyHeader, rowOf([null, null])])],
    ['has bytes behind its end', Buffer.concat([copyHeader, copyTrailer, rowOf([null, null])])],
  ])('says that the stream %s', (message, stream) => {
    const framer = new CopyFramer({ ...unlimited, columns: 2, where })
    expect(() => allPages(framer, [stream])).toThrow(
      expect.objectContaining({ code: 'SOURCE_INVALID', message: expect.stringContaining(message) }),
    )
  })
})
