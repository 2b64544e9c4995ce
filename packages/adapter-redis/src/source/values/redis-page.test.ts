import { type ColumnWriter, decodeJson, encodeJson } from '@drover/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type RedisType, redisTypes } from '../redis-record.js'
import { JsonLines } from './json-lines.js'
import { RedisPage } from './redis-page.js'
import type { StoredKey, StoredValue } from './stored-key.js'

const bytes = fc.uint8Array({ maxLength: 12 }).map((array) => Buffer.from(array))
const text = fc.string({ unit: 'grapheme', maxLength: 12 }).map((value) => Buffer.from(value))

function holding(part: fc.Arbitrary<Buffer>): fc.Arbitrary<{ type: RedisType; value: StoredValue }> {
  const list = fc.array(part, { minLength: 1, maxLength: 5 })
  const pairs = fc.array(fc.tuple(part, part), { minLength: 1, maxLength: 5 }).map((all) => all.flat())
  const scores = fc.array(
    fc.tuple(
      part,
      fc.double({ noNaN: true }).map((score) => Buffer.from(cText(score))),
    ),
    { minLength: 1 },
  )
  return fc.oneof(
    fc.record({ type: fc.constant<RedisType>('string'), value: part }),
    fc.record({ type: fc.constantFrom<RedisType>('list', 'set'), value: list }),
    fc.record({ type: fc.constant<RedisType>('hash'), value: pairs }),
    fc.record({ type: fc.constant<RedisType>('zset'), value: scores.map((all) => all.flat()) }),
  )
}

/** As a server writes a score. */
function cText(score: number): string {
  if (Number.isFinite(score)) return Object.is(score, -0) ? '-0' : String(score)
  return score > 0 ? 'inf' : '-inf'
}

const keysOf = (part: fc.Arbitrary<Buffer>) =>
  fc.array(
    fc
      .tuple(part, holding(part), fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 8.64e15 })))
      .map(([key, value, expiresAt]): StoredKey => ({ key, ...value, expiresAt, size: key.length })),
    { maxLength: 8 },
  )

const pageOf = (stored: readonly StoredKey[], decode: boolean, types = redisTypes) =>
  new RedisPage({
    stored,
    rejected: [],
    bytes: 1,
    cursor: 'here',
    decode,
    types,
    lines: new JsonLines(),
    where: 'here',
  })

describe('a page of keys', () => {
  test('gives every byte back', () => {
    fc.assert(
      fc.property(keysOf(bytes), (stored) => {
        const rows = pageOf(stored, false).rows()
        expect(rows.map(({ key }) => Buffer.from(key as Uint8Array))).toStrictEqual(stored.map(({ key }) => key))
        for (const [i, { type, value }] of stored.entries()) {
          expect(flatBytes(type, rows[i]?.value)).toStrictEqual(
            type === 'set' ? (value as Buffer[]).toSorted(Buffer.compare) : [value].flat(),
          )
        }
      }),
    )
  })

  test('gives every text back, and rejects what is none', () => {
    fc.assert(
      fc.property(keysOf(fc.oneof({ weight: 5, arbitrary: text }, bytes)), (stored) => {
        const page = pageOf(stored, true)
        const isText = stored.map(({ key, value }) => [key, value].flat().every((part) => sameAsText(part as Buffer)))
        expect(page.rejected).toHaveLength(isText.filter((is) => !is).length)
        expect(page.rows().map(({ key }) => key)).toStrictEqual(
          stored.filter((_, i) => isText[i]).map(({ key }) => String(key)),
        )
        expect(page.keys()).toStrictEqual(page.rows().map(({ key }) => ({ source: [key], child: 0 })))
        expect(page.count).toBe(stored.length)
        expect(page.slice(1, 3).rows()).toStrictEqual(page.rows().slice(1, 3))
      }),
    )
  })

  test.each([true, false])('pours what its rows hold; text: %s', (decode) => {
    fc.assert(
      fc.property(keysOf(text), fc.boolean(), (all, isOnlyStrings) => {
        const stored = isOnlyStrings ? all.filter(({ type }) => type === 'string') : all
        const page = pageOf(stored, decode, isOnlyStrings ? ['string'] : redisTypes)
        const fields = ['expires_at', 'value', 'key', 'type', 'key'] as const
        const into = fields.map((field) => new Pooled(field !== 'type' && !decode))
        page.pour({ fields, into })
        const columns = fields.map((field) => page.rows().map((row) => row[field]))
        expect(into.map(({ values }) => values)).toStrictEqual(columns)
        if (stored.length < 2) return
        const [first] = [new Pooled(!decode)]
        page.pour({ fields: ['key'], into: [first as Pooled], records: [stored.length - 1] })
        expect(first?.values).toStrictEqual([page.rows().at(-1)?.key])
      }),
    )
  })

  test('writes lines of JSON that are those of its rows', () => {
    fc.assert(
      fc.property(
        keysOf(
          fc.oneof(
            text,
            fc.constantFrom('\u0000', '\u001f', '"\\', '\b\t\n\f\r', '$json').map((one) => Buffer.from(one)),
          ),
        ),
        (stored) => {
          const page = pageOf(stored, true)
          const lines = page.jsonLines()
          if (lines === undefined)
            return stored.some((one) => one.type === 'zset' || String(one.value).includes('$json'))
          const texts = Buffer.from(lines).toString().split('\n')
          expect(texts.pop()).toBe('')
          // Names that are numbers come first in an object of JavaScript, wherever they stand in a hash.
          expect(texts.map((one) => decodeJson(one))).toStrictEqual(page.rows())
          for (const [i, row] of page.rows().entries()) if (row.type !== 'hash') expect(texts[i]).toBe(encodeJson(row))
          return true
        },
      ),
      { numRuns: 300 },
    )
  })

  test('forgets what can be read again, but not what it rejected', () => {
    const bad = { key: Buffer.from([255]), type: 'string', value: Buffer.from('v'), expiresAt: -1, size: 2 } as const
    const page = pageOf([bad, { ...bad, key: Buffer.from('k') }], true)
    page.release(false)
    expect(page.rows()).toHaveLength(1)
    page.release(true)
    expect([page.count, page.rejected.length]).toEqual([2, 1])
    for (const ask of [() => page.rows(), () => page.keys(), () => page.slice(0, 1), () => page.jsonLines()]) {
      expect(ask).toThrow(expect.objectContaining({ code: 'PAGE_STALE' }))
    }
  })

  test('writes no lines of bytes', () => {
    expect(pageOf([], false).jsonLines()).toBeUndefined()
  })

  test('writes long texts whole', () => {
    const value = Buffer.from('x"é\u0001'.repeat(20_000))
    const [lines] = [
      pageOf([{ key: Buffer.from('k'), type: 'string', value, expiresAt: 0, size: 1 }], true).jsonLines(),
    ]
    expect(JSON.parse(Buffer.from(lines as Uint8Array).toString())).toStrictEqual({
      key: 'k',
      type: 'string',
      value: value.toString(),
      expires_at: '1970-01-01T00:00:00.000Z',
    })
  })

  test('a string of a page with other types is poured as a value, which its column takes for JSON', () => {
    const into = new Pooled(false)
    pageOf([{ key: Buffer.from('k'), type: 'string', value: Buffer.from('v'), expiresAt: -1, size: 2 }], true).pour({
      fields: ['value'],
      into: [into],
    })
    expect([into.values, into.asBytes]).toEqual([['v'], 0])
  })
})

function flatBytes(type: RedisType, value: unknown): Buffer[] {
  const of = (part: unknown) => Buffer.from(part as Uint8Array)
  if (type === 'string') return [of(value)]
  if (type === 'hash')
    return (value as { field: unknown; value: unknown }[]).flatMap((one) => [of(one.field), of(one.value)])
  if (type !== 'zset') return (value as unknown[]).map(of)
  return (value as { member: unknown; score: number }[]).flatMap(({ member, score }) => [
    of(member),
    Buffer.from(cText(score)),
  ])
}

function sameAsText(part: Buffer): boolean {
  return Buffer.from(part.toString()).equals(part)
}

/** Keeps what it is given, as records would hold it. */
class Pooled implements ColumnWriter {
  readonly values: unknown[] = []
  asBytes = 0
  constructor(private readonly isBytes: boolean) {}
  null = (): void => void this.values.push(null)
  boolean = unexpected
  int32 = unexpected
  int64 = unexpected
  float64 = unexpected
  micros = (value: number): void => void this.values.push(new Date(value / 1000).toISOString())
  bytes(from: Uint8Array, start: number, end: number): void {
    this.asBytes++
    const part = from.slice(start, end)
    this.values.push(this.isBytes ? new Uint8Array(part) : Buffer.from(part).toString())
  }
  value = (value: unknown): void => void this.values.push(value)
}

function unexpected(): never {
  throw new Error('no field has that type')
}
