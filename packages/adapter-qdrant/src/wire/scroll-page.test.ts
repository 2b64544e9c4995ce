import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exactFloat32 } from './exact-float32.js'
import { NoJson } from './json-bytes.js'
import { PointsBody } from './points-body.js'
import { ScrollPage } from './scroll-page.js'

function pageOf(points: string, next = 'null'): ScrollPage {
  return answer(`{"result":{"points":${points},"next_page_offset":${next}},"status":"ok","time":0.000055785}`)
}

function answer(text: string): ScrollPage {
  return new ScrollPage(Buffer.from(text), 'plain')
}

function vectorOf(text: string): unknown {
  return pageOf(`[{"id":1,"vector":${text}}]`).point(0).vector
}

describe('an answer of a scroll', () => {
  it('gives ids of 64 bits and UUIDs as they are, and where to go on', () => {
    const page = pageOf(
      '[{"id":0},{"id":9007199254740991},{"id":9007199254740993},{"id":18446744073709551615},{"id":"f47ac10b-58cc-4372-a567-0e02b2c3d479"}]',
      '18446744073709551614',
    )
    expect(page.ids).toEqual([
      0,
      9_007_199_254_740_991,
      9_007_199_254_740_993n,
      18_446_744_073_709_551_615n,
      'f47ac10b-58cc-4372-a567-0e02b2c3d479',
    ])
    expect(page.next).toBe(18_446_744_073_709_551_614n)
    expect(pageOf('[]', '"f47ac10b-58cc-4372-a567-0e02b2c3d479"').next).toBe('f47ac10b-58cc-4372-a567-0e02b2c3d479')
    expect(pageOf('[]')).toMatchObject({ count: 0, ids: [], next: null })
  })

  it('gives each kind of vector', () => {
    expect(vectorOf('[0.1,-2,1e-7]')).toEqual(Float32Array.of(0.1, -2, 1e-7))
    expect(vectorOf('[[1.0,2.0],[3.0,4.0]]')).toEqual([Float32Array.of(1, 2), Float32Array.of(3, 4)])
    expect(vectorOf('null')).toBeNull()
    expect(vectorOf('[]')).toEqual(new Float32Array(0))
    const { vector, vectors } = pageOf(
      '[{"id":1,"vector":{"":[0.5],"a \\"b\\" ü":[1.0],"many":[[1.0],[2.0]],"__proto__":[7.0],"words":{"values":[0.25,0.5],"indices":[4294967295,3]}}}]',
    ).point(0)
    expect(vector).toEqual(Float32Array.of(0.5))
    expect(Object.keys(vectors ?? {})).toEqual(['a "b" ü', 'many', '__proto__', 'words'])
    expect(Object.values(vectors ?? {})).toEqual([
      Float32Array.of(1),
      [Float32Array.of(1), Float32Array.of(2)],
      Float32Array.of(7),
      { indices: [4_294_967_295, 3], values: Float32Array.of(0.25, 0.5) },
    ])
    expect(pageOf('[{"id":1,"vector":{}}]').point(0)).toMatchObject({ vector: null, vectors: {} })
    expect(pageOf('[{"id":1}]').point(0)).toMatchObject({ vector: null, vectors: null, payload: null, shardKey: null })
  })

  it('gives payloads with everything that looks like the structure around them', () => {
    const payload = {
      text: 'a "quoted" \\ ] } , { [ ü \u2028 \\',
      long: `${'x'.repeat(50)}\\"${'y'.repeat(50)}`,
      vector: [1, [2, { id: 3 }]],
      'id"': null,
      empty: {},
    }
    const page = pageOf(
      `[{"payload":${JSON.stringify(payload)},"version":3,"order_value":1.5,"shard_key":"eu","id":1,"vector":[1.0]},{"id":2,"payload":{"n":9007199254740993,"$numberLong":"1"},"shard_key":7}]`,
    )
    expect(page.point(0)).toEqual({ id: 1, payload, vector: Float32Array.of(1), vectors: null, shardKey: 'eu' })
    expect(page.point(1)).toMatchObject({ payload: { n: 9_007_199_254_740_993n, $numberLong: '1' }, shardKey: 7 })
    expect(page.sizeOf(0)).toBeGreaterThan(200)
    expect(page.points()).toHaveLength(2)
  })

  it('reads the forms for values that JSON has none for where it is told to', () => {
    const text = '{"result":{"points":[{"id":1,"payload":{"b":{"$binary":{"base64":"AQI=","subType":"00"}}}}]}}'
    expect(new ScrollPage(Buffer.from(text), 'extended').point(0).payload).toEqual({ b: Uint8Array.of(1, 2) })
    expect(new ScrollPage(Buffer.from(text), 'plain').point(0).payload).toEqual({
      b: { $binary: { base64: 'AQI=', subType: '00' } },
    })
  })

  it('takes white space wherever JSON does, and fields in any order', () => {
    const page = answer(
      '\n{ "time" : 1 , "status":"ok", "result" : { "next_page_offset" : 5 , "points" : [ { "id" : 1 , "vector" : [ 0.5 , -1 ] , "payload" : { "a" : 1 } } , { "vector" : { "a" : [ [ 1 ] , [ 2 ] ] } , "id" : 2 } ] } }\n',
    )
    expect(page.next).toBe(5)
    expect(page.points()).toMatchObject([
      { id: 1, vector: Float32Array.of(0.5, -1), payload: { a: 1 } },
      { id: 2, vectors: { a: [Float32Array.of(1), Float32Array.of(2)] } },
    ])
  })

  it('reads back what the body of an upsert holds, bit for bit', () => {
    const words = fc.uint32Array({ minLength: 1, maxLength: 40 }).map((words) => {
      const floats = new Float32Array(words.buffer)
      return floats.map((value) => (Number.isFinite(value) ? value : 0))
    })
    fc.assert(
      fc.property(
        words,
        fc.string({ unit: 'binary' }),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        (vector, text, id) => {
          const body = new PointsBody()
          const payload = { [text]: text, list: [text, { text }] }
          body.add({ id, payload, vector, vectors: { named: vector } })
          const page = answer(`{"result":${Buffer.from(body.finish()).toString()}}`)
          const read = page.point(0)
          expect(BigInt(read.id)).toBe(id)
          expect(read.payload).toEqual(payload)
          for (const back of [read.vector, read.vectors?.named] as Float32Array[]) {
            expect(Buffer.from(back.buffer, back.byteOffset, back.byteLength).equals(Buffer.from(vector.buffer))).toBe(
              true,
            )
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  it.each([
    '',
    'null',
    '<html></html>',
    '{}',
    '{"result":null}',
    '{"result":{"points":{}}}',
    '{"result":{"points":[{"id":1}]}',
    '{"result":{"points":[{"id":1}]}}}',
    '{"result":{"points":[{}]}}',
    '{"result":{"points":[{"id":null}]}}',
    '{"result":{"points":[{"id":-1}]}}',
    '{"result":{"points":[{"id":1.5}]}}',
    '{"result":{"points":[{"id":1,"payload":{"a":"b}]}}',
    '{"result":{"points":[{"id":1,"vector":[1,2}]}}',
    '{"result":{"points":[{"id":1 "vector":null}]}}',
    '{"result":{"points":[{"id":1},]}}',
    '{"result":{"points":[{"id":1,}]}}',
  ])('refuses %s', (text) => {
    expect(() => answer(text)).toThrow(NoJson)
  })

  it.each([
    '[1,]',
    '[,1]',
    '[1 2]',
    '[a]',
    '[-]',
    '[1.]',
    '[.5]',
    '["1"]',
    '[null]',
    '[1e]',
    '[--1]',
    '[0x1]',
    '[[1],2]',
  ])('refuses the vector %s', (text) => {
    expect(() => vectorOf(text)).toThrow(NoJson)
  })
})

describe('a decimal as float32', () => {
  /** The nearest of three by whole numbers; of two as near the even one. */
  function nearest(text: string): number {
    const [, whole = '', fraction = '', exponent = '0'] = /^(\d+)(?:\.(\d+))?(?:e(-?\d+))?$/.exec(text) ?? []
    const e = Number(exponent) - fraction.length
    const scale = 10n ** 60n * 2n ** 160n
    const exact =
      e >= 0
        ? BigInt(whole + fraction) * 10n ** BigInt(e) * scale
        : (BigInt(whole + fraction) * scale) / 10n ** BigInt(-e)
    const bits = new Uint32Array(1)
    const float = new Float32Array(bits.buffer)
    float[0] = Number(text)
    const word = bits[0] as number
    let best = { distance: -1n, value: 0, word: 0 }
    for (const near of [word - 1, word, word + 1]) {
      if (near < 0) continue
      bits[0] = near
      const value = float[0] as number
      const distance = BigInt(value * 2 ** 150) * (scale / 2n ** 150n) - exact
      const size = distance < 0n ? -distance : distance
      if (best.distance < 0n || size < best.distance || (size === best.distance && near % 2 === 0)) {
        best = { distance: size, value, word: near }
      }
    }
    return best.value
  }

  it('is the nearest one where its double is not: in the middle of two', () => {
    // 1 + 2^-24 is the middle of 1 and the next float32; a little above, a double cannot tell.
    const middle = '1.000000059604644775390625'
    expect(exactFloat32(middle)).toBe(1)
    expect(exactFloat32(`${middle}00000000000000001`)).toBe(1.0000001192092896)
    expect(Math.fround(Number(`${middle}00000000000000001`))).toBe(1)
    expect(exactFloat32('1.00000005960464477539062499999')).toBe(1)
    expect(exactFloat32('-1.00000005960464477539062500001')).toBe(-1.0000001192092896)
    expect(exactFloat32('7.006492321624085354618e-46')).toBe(0)
    expect(exactFloat32('7.006492321624085354619e-46')).toBe(1.401298464324817e-45)
    expect(vectorOf(`[${middle}00000000000000001]`)).toEqual(Float32Array.of(1.0000001192092896))
  })

  it('is the nearest one, whatever the digits', () => {
    const decimals = fc
      .tuple(
        fc.bigInt({ min: 0n, max: 10n ** 20n }),
        fc.integer({ min: 0, max: 25 }),
        fc.integer({ min: -20, max: 12 }),
      )
      .map(([digits, places, exponent]) => {
        const text = String(digits).padStart(places + 1, '0')
        const plain = places === 0 ? text : `${text.slice(0, -places)}.${text.slice(-places)}`
        return exponent > 0 ? plain : `${plain}e${exponent}`
      })
    fc.assert(
      fc.property(fc.array(decimals, { minLength: 1, maxLength: 10 }), (texts) => {
        expect(vectorOf(`[${texts.join(',')}]`)).toEqual(Float32Array.from(texts, nearest))
      }),
      { numRuns: 500 },
    )
  })

  it('of few digits is the nearest one', () => {
    const decimals = fc
      .tuple(fc.integer({ min: 0, max: 999_999_999 }), fc.integer({ min: 0, max: 12 }))
      .map(([digits, places]) => {
        const text = String(digits).padStart(places + 1, '0')
        return places === 0 ? text : `${text.slice(0, -places)}.${text.slice(-places)}`
      })
    fc.assert(
      fc.property(fc.array(decimals, { minLength: 1, maxLength: 20 }), (texts) => {
        expect(vectorOf(`[${texts.join(',')}]`)).toEqual(Float32Array.from(texts, nearest))
      }),
      { numRuns: 500 },
    )
  })
})
