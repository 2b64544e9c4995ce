import type { LogicalType, Page, Row } from '@drover/core'
import { expect, test } from 'vitest'
import type { TablePlan } from './column-plan.js'
import { planTable } from './plan-table.js'
import { RowGroupBuilder } from './row-group-builder.js'
import { refusal } from './testing/builders.js'
import { readBack } from './testing/read-back.js'

const types: Record<string, LogicalType> = {
  id: { kind: 'int', bits: 64 },
  on: { kind: 'boolean' },
  text: { kind: 'text' },
  uuid: { kind: 'uuid' },
  vector: { kind: 'vector', dimensions: 2 },
  list: { kind: 'list', of: { kind: 'list', of: { kind: 'text' } } },
  struct: { kind: 'struct', fields: [{ name: 'a', type: { kind: 'int', bits: 8 }, nullable: false }] },
}
const { plan } = planTable({
  fields: Object.entries(types).map(([name, type]) => ({ name, type, nullable: true })),
  key: [],
})

/** Every third record holds nothing but its id. */
function record(id: number): Row {
  if (id % 3 === 0) return { id }
  return {
    id,
    on: id % 2 === 0,
    text: `text ${'ö'.repeat(id)}`,
    uuid: `00000000-0000-0000-0000-${String(id).padStart(12, '0')}`,
    vector: new Float32Array([id, -id]),
    list: [[`${id}`, null], null, []],
    struct: { a: id % 100 },
  }
}

const records = (count: number, from = 0): Row[] => Array.from({ length: count }, (_, i) => record(from + i))
const ids = (builder: RowGroupBuilder, of = plan): unknown[] =>
  readBack(builder.toIpc(), of).map(({ id }) => Number(id))

function filled(rows: readonly Row[], of: TablePlan = plan): RowGroupBuilder {
  const builder = new RowGroupBuilder(of, 'out.parquet')
  builder.append(rows)
  return builder
}

test('records come back in their order', () => {
  const builder = filled(records(300))
  expect(builder.rows).toBe(300)
  const [, second, , fourth] = readBack(builder.toIpc(), plan)
  expect(second).toEqual({
    id: 1n,
    on: false,
    text: 'text ö',
    uuid: '00000000000000000000000000000001',
    vector: [1, -1],
    list: [['1', null], null, []],
    struct: { a: 1n },
  })
  expect(fourth).toEqual({ id: 3n, on: null, text: null, uuid: null, vector: null, list: null, struct: null })
})

test('only the records at the wanted places are taken', () => {
  const builder = new RowGroupBuilder(plan, 'out.parquet')
  builder.append(records(10), [1, 4, 9])
  expect(ids(builder)).toEqual([1, 4, 9])
})

test.each([0, 1, 7, 8, 9, 63, 64, 65, 100])(
  'the rows from %i on are those that a builder would give that has no others',
  (from) => {
    expect(filled(records(100)).toIpc(from)).toEqual(filled(records(100 - from, from)).toIpc())
  },
)

test('what toIpc gives can be added to another builder, wherever it stands in memory', () => {
  const ipc = filled(records(50)).toIpc(13)
  const shifted = new Uint8Array(ipc.length + 3).subarray(3)
  shifted.set(ipc)
  for (const bytes of [ipc, shifted]) {
    const builder = filled(records(13))
    builder.appendIpc(bytes)
    expect(builder.rows).toBe(50)
    expect(builder.toIpc()).toEqual(filled(records(50)).toIpc())
    builder.append(records(5, 50))
    expect(builder.toIpc()).toEqual(filled(records(55)).toIpc())
  }
})

test('a name without a character is one', () => {
  const unnamed: TablePlan = { columns: [{ name: '', type: { kind: 'text' }, nullable: true }] }
  const builder = filled([{ '': 'a' }], unnamed)
  builder.appendIpc(filled([{ '': 'b' }], unnamed).toIpc())
  expect(builder.rows).toBe(2)
})

test.each([
  [
    'another table',
    () => filled([{ x: 1 }], { columns: [{ name: 'x', type: { kind: 'int', bits: 8 }, nullable: true }] }).toIpc(),
  ],
  ['no Arrow', () => new Uint8Array(64).fill(65)],
  ['a part', () => filled(records(50)).toIpc().slice(0, -600)],
])('bytes of %s are refused, and leave nothing', (_, bytes) => {
  const builder = filled(records(3))
  expect(refusal(() => builder.appendIpc(bytes()))).toMatchObject({ code: 'STATE_INVALID' })
  expect(builder.toIpc()).toEqual(filled(records(3)).toIpc())
})

test.each([0, 1, 8, 33])('truncated to %i rows it is as if the others had never been', (rows) => {
  const builder = filled(records(40))
  builder.truncate(rows)
  expect(builder.rows).toBe(rows)
  expect(builder.toIpc()).toEqual(filled(records(rows)).toIpc())
  builder.append(records(20, rows))
  expect(builder.toIpc()).toEqual(filled(records(rows + 20)).toIpc())
})

test('truncating to more rows than there are does nothing', () => {
  const builder = filled(records(3))
  builder.truncate(10)
  expect(ids(builder)).toEqual([0, 1, 2])
})

test('cleared it is as new, and what was given away before stays as it was', () => {
  const builder = filled(records(100))
  const given = builder.toIpc()
  const copy = given.slice()
  builder.clear()
  expect(builder).toMatchObject({ rows: 0 })
  builder.append(records(30, 1000))
  expect(given).toEqual(copy)
  expect(builder.toIpc()).toEqual(filled(records(30, 1000)).toIpc())
})

test('what is given away is a buffer of its own that has no spare room', () => {
  const ipc = filled(records(1000)).toIpc()
  expect(ipc.byteOffset).toBe(0)
  expect(ipc.buffer.byteLength).toBe(ipc.length)
  const text: TablePlan = { columns: [{ name: 'v', type: { kind: 'text' }, nullable: true }] }
  const rows = Array.from({ length: 1000 }, () => ({ v: 'x'.repeat(1000) }))
  expect(filled(rows, text).toIpc().length).toBeLessThan(1_000_000 + 4004 + 1000)
  expect(filled(rows, text).toIpc(990).length).toBeLessThan(10_000 + 44 + 1000)
})

test('it says how many bytes it holds', () => {
  const builder = filled([])
  expect(builder.bytes).toBeLessThan(100)
  builder.append([{ text: 'x'.repeat(1000), list: [['y'.repeat(500)]] }])
  expect(builder.bytes).toBeGreaterThan(1500)
  expect(builder.bytes).toBeLessThan(1700)
})

test('a refused record leaves nothing of it, and those before it stay', () => {
  const builder = filled(records(2))
  const bad = { ...record(4), list: [['fine'], ['\ud800']] }
  const error = refusal(() => builder.append([record(2), record(3), bad, record(5)]))
  expect(error).toMatchObject({ code: 'RECORD_REFUSED', row: 2 })
  expect(error.message).toContain('field "list[1][0]" is the text')
  builder.append([record(4)])
  expect(builder.toIpc()).toEqual(filled(records(5)).toIpc())
})

test('the row of a refusal is the place among all records', () => {
  const builder = filled([])
  expect(refusal(() => builder.append([record(1), { id: 'x' }, { id: 'y' }], [0, 2]))).toMatchObject({ row: 2 })
})

test('a field without a column is never dropped', () => {
  const builder = filled(records(1))
  const error = refusal(() => builder.append([record(1), { ...record(2), extra: null }]))
  expect(error).toMatchObject({ code: 'RECORD_REFUSED', row: 1 })
  expect(error.message).toMatch(/^out\.parquet: the record has a field "extra" \(null\).*types/)
  expect(ids(builder)).toEqual([0, 1])
  builder.append([{ id: 2, extra: undefined }])
  expect(builder.rows).toBe(3)
})

test('fields that stand in the names of folders may be there', () => {
  const builder = new RowGroupBuilder(plan, 'out.parquet', ['day'])
  builder.append([{ id: 1, day: '2024-01-01' }])
  expect(refusal(() => builder.append([{ id: 1, dai: 1 }])).message).toContain('"dai"')
  expect(builder.rows).toBe(1)
})

const one: TablePlan = {
  columns: [
    { name: 'id', type: { kind: 'int', bits: 32 }, nullable: false },
    { name: 'text', type: { kind: 'text' }, nullable: true },
    { name: 'text.more', type: { kind: 'json' }, nullable: true },
  ],
}

/** A page that pours what it is given: the id, and texts as bytes. */
function page(rows: readonly (readonly [number | null, Uint8Array | null, Uint8Array?])[]): Page {
  return {
    count: rows.length,
    bytes: 0,
    cursor: null,
    rows: () => [],
    keys: () => [],
    slice: () => page(rows),
    pour({ into: [id, text, more], records }) {
      for (const place of Array.from(records ?? rows.keys())) {
        const [number, bytes, json] = rows[place] ?? [null, null]
        if (number === null) id?.null()
        else id?.int32(number)
        if (bytes === null) text?.null()
        else text?.bytes(bytes, 0, bytes.length)
        if (json === undefined) more?.null()
        else more?.bytes(json, 0, json.length)
      }
    },
  }
}

const utf8 = (text: string) => Buffer.from(text)

test('a page pours the records that are wanted', () => {
  const builder = filled([], one)
  builder.pour(
    page([
      [1, utf8('a')],
      [2, null],
      [3, utf8('ö'.repeat(200))],
    ]),
  )
  builder.pour(
    page([
      [4, null],
      [5, utf8('b')],
      [6, null, utf8('{}')],
    ]),
    [1, 2],
  )
  expect(readBack(builder.toIpc(), one)).toEqual([
    { id: 1n, text: 'a', 'text.more': null },
    { id: 2n, text: null, 'text.more': null },
    { id: 3n, text: 'ö'.repeat(200), 'text.more': null },
    { id: 5n, text: 'b', 'text.more': null },
    { id: 6n, text: null, 'text.more': {} },
  ])
})

test('a page that cannot pour gives records', () => {
  const builder = filled([], one)
  const { pour: _, ...rows } = page([])
  builder.pour({ ...rows, rows: () => [{ id: 1 }, { id: 2 }] }, [1])
  expect(ids(builder, one)).toEqual([2])
})

test.each<readonly [string, Parameters<typeof page>[0], RegExp]>([
  [
    'a null',
    [
      [1, null],
      [null, utf8('x')],
    ],
    /field "id" is null/,
  ],
  [
    'bytes that are no UTF-8',
    [
      [1, null],
      [2, Buffer.of(0x61, 0xff)],
    ],
    /field "text" is bytes that are no UTF-8/,
  ],
  [
    'a half character',
    [
      [1, utf8('ö').subarray(0, 1)],
      [2, utf8('ö').subarray(1)],
    ].slice(1) as never,
    /field "text" is bytes/,
  ],
  [
    'JSON that is no UTF-8',
    [
      [1, null],
      [2, null, Buffer.of(0xff)],
    ],
    /field "text\.more" is bytes/,
  ],
])('what a page pours is refused as what a record holds: %s', (_, rows, message) => {
  const builder = filled([{ id: 7 }], one)
  const places = rows.map((_, i) => i)
  const row = rows.length - 1
  for (const which of [undefined, places]) {
    const error = refusal(() => builder.pour(page(rows), which))
    expect(error).toMatchObject({ code: 'RECORD_REFUSED', row })
    expect(error.message).toMatch(message)
    expect(builder.rows).toBe(1 + row)
    builder.truncate(1)
  }
  expect(ids(builder, one)).toEqual([7])
})

test('two halves of a character in two records are refused, though they are one behind the other', () => {
  const builder = filled([], one)
  const halves = [utf8('ö').subarray(0, 1), utf8('ö').subarray(1)] as const
  expect(
    refusal(() =>
      builder.pour(
        page([
          [1, halves[0]],
          [2, halves[1]],
        ]),
      ),
    ),
  ).toMatchObject({ row: 1 })
})

test('a page that breaks off by itself leaves nothing', () => {
  const builder = filled([{ id: 7 }], one)
  const error = new Error('broken')
  const failing: Page = {
    ...page([]),
    pour({ into }) {
      into[0]?.int32(1)
      throw error
    },
  }
  expect(() => builder.pour(failing)).toThrow(error)
  expect(ids(builder, one)).toEqual([7])
})

test('a page that pours columns of different lengths, or other records than asked for, breaks its contract', () => {
  const builder = filled([{ id: 7 }], one)
  const uneven: Page = { ...page([]), pour: ({ into }) => into[0]?.int32(1) }
  expect(refusal(() => builder.pour(uneven))).toMatchObject({ code: 'CONTRACT_BROKEN' })
  const { pour } = page([
    [1, null],
    [2, null],
  ])
  const more: Page = { ...page([]), pour: ({ fields, into }) => pour?.({ fields, into }) }
  expect(refusal(() => builder.pour(more, [0]))).toMatchObject({ code: 'CONTRACT_BROKEN' })
  expect(ids(builder, one)).toEqual([7])
})
