import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DroverError } from '@drover/core'
import { DuckDBInstance } from '@duckdb/node-api'
import { Field, List, Table, tableToIPC, Utf8, vectorFromArray } from 'apache-arrow'
import fc from 'fast-check'
import { Table as WasmTable, writeParquet } from 'parquet-wasm'
import { expect, test } from 'vitest'
import { readThrift, type ThriftFields, type ThriftValue, writeThrift } from './thrift.js'

const number = (bits: number): fc.Arbitrary<number> => fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 })

/** Any value of a tag; as an element of a list a boolean is a byte of its own. */
const { fields } = fc.letrec<{ value: ThriftValue; fields: ThriftFields }>((tie) => {
  const scalar: Record<number, fc.Arbitrary<ThriftValue>> = {
    1: fc.record({ kind: fc.constant('bool'), byte: fc.constantFrom(0, 1, 2) }),
    3: fc.record({ kind: fc.constant('i8'), value: number(8) }),
    4: fc.record({ kind: fc.constant('i16'), value: number(16) }),
    5: fc.record({ kind: fc.constant('i32'), value: number(32) }),
    6: fc.record({ kind: fc.constant('i64'), value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }),
    7: fc.record({ kind: fc.constant('double'), bits: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }),
    8: fc.record({ kind: fc.constant('binary'), value: fc.uint8Array({ maxLength: 200 }) }),
    12: fc.record({ kind: fc.constant('struct'), fields: tie('fields') as fc.Arbitrary<ThriftFields> }),
    13: fc.record({ kind: fc.constant('uuid'), value: fc.uint8Array({ minLength: 16, maxLength: 16 }) }),
  }
  const tag = fc.constantFrom(...Object.keys(scalar).map(Number))
  const of = (tag: number): fc.Arbitrary<ThriftValue> => scalar[tag] ?? fc.constant({ kind: 'i8', value: 0 })
  const list = fc
    .tuple(fc.constantFrom('list' as const, 'set' as const), tag)
    .chain(([kind, tag]) =>
      fc.array(of(tag), { maxLength: 20 }).map((items): ThriftValue => ({ kind, of: tag, items })),
    )
  const map = fc
    .tuple(tag, tag)
    .chain(([key, entry]) =>
      fc
        .array(fc.tuple(of(key), of(entry)), { maxLength: 5 })
        .map((entries): ThriftValue => ({ kind: 'map', of: entries.length === 0 ? 0 : (key << 4) | entry, entries })),
    )
  const boolean = fc.record({ kind: fc.constant('bool' as const), byte: fc.constantFrom(1, 2) })
  const { 1: _, ...others } = scalar
  return {
    value: fc.oneof({ maxDepth: 4 }, boolean, ...Object.values(others), list, map),
    fields: fc
      .uniqueArray(fc.tuple(fc.integer({ min: 1, max: 300 }), tie('value') as fc.Arbitrary<ThriftValue>), {
        selector: ([id]) => id,
        maxLength: 6,
      })
      .map((entries): ThriftFields => new Map(entries)),
  }
})

test('what is written is read as it was, and takes what it took', () => {
  fc.assert(
    fc.property(fields, (written) => {
      const bytes = writeThrift(written)
      expect(readThrift(bytes, 'it')).toEqual({ fields: written, length: bytes.length })
    }),
    { numRuns: 300 },
  )
})

test('numbers at the ends of their types survive', () => {
  const written: ThriftFields = new Map<number, ThriftValue>([
    [1, { kind: 'i32', value: -2_147_483_648 }],
    [2, { kind: 'i32', value: 2_147_483_647 }],
    [3, { kind: 'i64', value: -(2n ** 63n) }],
    [4, { kind: 'i64', value: 2n ** 63n - 1n }],
    [5, { kind: 'i16', value: -32_768 }],
    [600, { kind: 'i8', value: -128 }],
  ])
  expect(readThrift(writeThrift(written), 'it').fields).toEqual(written)
})

test('footers that other writers wrote come back byte for byte', async () => {
  for (const file of [await byDuckDB(), byParquetWasm()]) {
    const footer = footerOf(file)
    const { fields, length } = readThrift(footer, 'the footer')
    expect(length).toBe(footer.length)
    expect(Buffer.from(writeThrift(fields)).equals(footer)).toBe(true)
  }
})

test('bytes of any kind are read, or refused with a sentence', () => {
  const read = (bytes: Uint8Array): void => {
    try {
      readThrift(bytes, 'The footer of a.parquet')
    } catch (error) {
      if (!DroverError.isInstance(error, 'SOURCE_INVALID')) throw error
      expect(error.message).toMatch(/^The footer of a\.parquet cannot be read: .+ \(byte \d+\)\.$/)
    }
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), read), { numRuns: 2_000 })
  const footer = footerOf(byParquetWasm())
  fc.assert(
    fc.property(fc.nat(footer.length - 1), fc.nat(255), (at, byte) =>
      read(footer.map((old, i) => (i === at ? byte : old))),
    ),
    { numRuns: 1_000 },
  )
})

test('what is cut short is refused wherever it is cut', () => {
  const footer = footerOf(byParquetWasm())
  for (let length = 0; length < footer.length; length++) {
    expect(() => readThrift(footer.subarray(0, length), 'It')).toThrow(/^It cannot be read: /)
  }
})

test.for([
  [
    'a list longer than all there is',
    [0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f],
    'a list of 4294967295 values is longer',
  ],
  ['a text longer than all there is', [0x18, 0xff, 0xff, 0xff, 0x7f], 'cut short'],
  ['a map longer than all there is', [0x1b, 0xff, 0xff, 0xff, 0x7f, 0x88], 'a map of 268435455 values is longer'],
  ['structs in structs without end', Array.from({ length: 10_000 }, () => 0x1c), 'nested more than 32 deep'],
  ['lists in lists without end', [0x19, ...Array.from({ length: 10_000 }, () => 0x19)], 'nested more than 32 deep'],
  ['a length with too many digits', [0x18, 255, 255, 255, 255, 255, 255, 255, 255, 1], 'too many digits'],
  ['a number of more than 64 bits', [0x16, 255, 255, 255, 255, 255, 255, 255, 255, 255, 127], 'more than 64 bits'],
  ['a type that there is not', [0x1e], 'there is no type 14'],
  ['a field that stands twice', [0x15, 0, 0x05, 0x02, 0], 'field 1 stands twice'],
  ['a number too large for its type', [0x14, 0x80, 0x80, 0x08, 0], 'too large for its type'],
] as const)('refuses %s', ([, bytes, reason]) => {
  expect(() => readThrift(Uint8Array.from(bytes), 'It')).toThrow(reason)
})

test('refuses more empty values than memory is meant for', () => {
  const bytes = Uint8Array.from([0x19, 0xfc, 100, ...Array.from({ length: 101 }, () => 0)])
  expect(readThrift(bytes, 'It', 101).length).toBe(104)
  expect(() => readThrift(bytes, 'It', 100)).toThrow('more than 100 values')
})

function footerOf(file: Uint8Array): Buffer {
  const bytes = Buffer.from(file)
  const length = bytes.readUInt32LE(bytes.length - 8)
  return bytes.subarray(bytes.length - 8 - length, bytes.length - 8)
}

function byParquetWasm(): Uint8Array {
  const texts = new List(new Field('element', new Utf8(), true))
  const table = new Table({ id: vectorFromArray([1, 2, 3]), tags: vectorFromArray([['a'], [], null], texts) })
  return writeParquet(WasmTable.fromIPCStream(tableToIPC(table, 'stream')))
}

async function byDuckDB(): Promise<Uint8Array> {
  const folder = await mkdtemp(path.join(tmpdir(), 'drover-thrift-'))
  try {
    const file = path.join(folder, 'a.parquet')
    const connection = await (await DuckDBInstance.create()).connect()
    await connection.run(
      `COPY (SELECT i, i::VARCHAR AS t, uuid() AS u, [i, 2] AS l, {'a': i} AS s, i::DECIMAL(20, 3) AS d, now() AS n FROM range(30000) r(i))
       TO '${file}' (FORMAT parquet, ROW_GROUP_SIZE 4096)`,
    )
    connection.closeSync()
    return await readFile(file)
  } finally {
    await rm(folder, { recursive: true })
  }
}
