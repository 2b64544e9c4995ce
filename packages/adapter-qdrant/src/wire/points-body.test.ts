import { DroverError, ValueRefused } from '@drover/core'
import { describe, expect, it } from 'vitest'
import { PointsBody } from './points-body.js'
import type { WirePoint } from './wire-point.js'

const point: WirePoint = { id: 1, payload: null, vector: Float32Array.of(0.1, -2), vectors: null }

function textOf(body: PointsBody, more?: string): string {
  return Buffer.from(body.finish(more)).toString()
}

function bodyOf(...points: Partial<WirePoint>[]): PointsBody {
  const body = new PointsBody()
  for (const one of points) body.add({ ...point, ...one })
  return body
}

/** What of a point is refused, and where. */
function refusal(wrong: object): string {
  const body = bodyOf({ id: 7 })
  const before = textOf(body)
  try {
    body.add({ ...point, ...wrong })
  } catch (error) {
    expect(textOf(body)).toBe(before)
    expect(body.count).toBe(1)
    if (error instanceof ValueRefused) return `${error.path}: ${error.what}`
    if (DroverError.isInstance(error)) return error.message
    throw error
  }
  throw new Error('the point was taken')
}

describe('the body of an upsert', () => {
  it('holds ids, payloads and vectors as Qdrant takes them', () => {
    const body = bodyOf(
      { id: 0 },
      { id: 18_446_744_073_709_551_615n, payload: { city: 'Zürich', at: 9_007_199_254_740_993n, none: null } },
      { id: 'F47AC10B-58CC-4372-A567-0E02B2C3D479', vector: [Float32Array.of(1), Float32Array.of(2)] },
      { id: 2, vector: null },
      { id: 3, vector: null, vectors: {} },
      {
        id: 4,
        vectors: {
          'a "name"': Float32Array.of(0.5),
          words: { indices: [4_294_967_295, 3], values: Float32Array.of(0.1, 1e-20) },
          many: [Float32Array.of(1, 2), Float32Array.of(3, 4)],
        },
      },
      { id: 5, vector: null, vectors: { only: Float32Array.of(1) } },
    )
    expect(textOf(body)).toBe(
      '{"points":[{"id":0,"vector":[0.1,-2]},' +
        '{"id":18446744073709551615,"payload":{"city":"Zürich","at":9007199254740993,"none":null},"vector":[0.1,-2]},' +
        '{"id":"f47ac10b-58cc-4372-a567-0e02b2c3d479","vector":[[1],[2]]},' +
        '{"id":2,"vector":{}},{"id":3,"vector":{}},' +
        '{"id":4,"vector":{"":[0.1,-2],"a \\"name\\"":[0.5],"words":{"indices":[4294967295,3],"values":[0.1,1e-20]},"many":[[1,2],[3,4]]}},' +
        '{"id":5,"vector":{"only":[1]}}]}',
    )
    expect(body.count).toBe(7)
    expect(body.bytes).toBe(Buffer.byteLength(textOf(body)))
  })

  it('takes more points after it was asked for its bytes, and is empty after clear', () => {
    const body = bodyOf({ id: 1 })
    expect(textOf(body, ',"shard_key":"é"')).toBe('{"points":[{"id":1,"vector":[0.1,-2]}],"shard_key":"é"}')
    body.add({ ...point, id: 2 })
    expect(JSON.parse(textOf(body))).toMatchObject({ points: [{ id: 1 }, { id: 2 }] })
    body.clear()
    expect([textOf(body), body.count, body.bytes]).toEqual(['{"points":[]}', 0, 13])
    body.add({ ...point, id: 3 })
    expect(JSON.parse(textOf(body))).toMatchObject({ points: [{ id: 3 }] })
  })

  it('grows beyond what it had room for, whatever is next', () => {
    const long = 'ü'.repeat(70_000)
    const vector = Float32Array.from({ length: 65_536 }, (_, i) => Math.fround(1 / (i + 1)))
    const body = bodyOf({ payload: { long } }, { vector }, { vectors: { [long]: vector } })
    const { points } = JSON.parse(textOf(body)) as { points: { payload: object; vector: Record<string, number[]> }[] }
    expect(points[0]?.payload).toEqual({ long })
    expect(Float32Array.from(points[1]?.vector as unknown as number[])).toEqual(vector)
    expect(Float32Array.from(points[2]?.vector[long] as number[])).toEqual(vector)
  })

  it('writes values that JSON has no form for in the form that core reads, or refuses them', () => {
    const payload = { bytes: Uint8Array.of(1, 2), nan: Number.NaN }
    expect(JSON.parse(textOf(bodyOf({ payload })))).toMatchObject({
      points: [{ payload: { bytes: { $binary: { base64: 'AQI=' } }, nan: { $numberDouble: 'NaN' } } }],
    })
    const plain = new PointsBody('plain')
    expect(() => plain.add({ ...point, payload: { bytes: Uint8Array.of(1) } })).toThrow(/plain JSON has no bytes/)
    expect(() => plain.add({ ...point, payload: { deep: [Number.NaN] } })).toThrow(ValueRefused)
    plain.add({ ...point, payload: { $numberLong: '1' } })
    expect(textOf(plain)).toContain('"payload":{"$numberLong":"1"}')
  })

  it.each<[string, object]>([
    ['id: the number 1.5', { id: 1.5 }],
    ['id: the number -1', { id: -1 }],
    ['id: the number 9007199254740992', { id: 2 ** 53 }],
    ['id: the integer 18446744073709551616', { id: 2n ** 64n }],
    ['id: the integer -1', { id: -1n }],
    ['id: the text "12"', { id: '12' }],
    ['id: the text "thread-1"', { id: 'thread-1' }],
    ['id: null', { id: null }],
    ['payload: an array of 1', { payload: [1] }],
    ['payload.a.b[1]: an integer of 41 digits', { payload: { a: { b: [1, 10n ** 40n] } } }],
    ['payload.a: the integer 18446744073709551616', { payload: { a: 2n ** 64n } }],
    ['payload.a: the text "x\\ud800", which has half of a surrogate pair', { payload: { a: 'x\ud800' } }],
    ['payload.b: the text "\\udc00", which has half of a surrogate pair', { payload: { b: { '\udc00': 1 } } }],
    ['vector[1]: the number NaN', { vector: Float32Array.of(1, Number.NaN) }],
    ['vector: a vector of no numbers', { vector: Float32Array.of() }],
    ['vector: a list of no vectors', { vector: [] }],
    ['vector[1]: a vector of 1 beside one of 2', { vector: [Float32Array.of(1, 2), Float32Array.of(1)] }],
    ['vector[0][0]: the number -Infinity', { vector: [Float32Array.of(Number.NEGATIVE_INFINITY)] }],
    ['vectors.a: the text "x"', { vectors: { a: 'x' } }],
    ['vectors.a[0]: the number Infinity', { vectors: { a: Float32Array.of(Number.POSITIVE_INFINITY) } }],
    ['vectors.s: 1 indices with 2 values', { vectors: { s: { indices: [1], values: Float32Array.of(1, 2) } } }],
    [
      'vectors.s.indices[2]: the index 5 a second time',
      { vectors: { s: { indices: [5, 1, 5], values: Float32Array.of(1, 2, 3) } } },
    ],
    ['vectors.s.indices[0]: the number -1', { vectors: { s: { indices: [-1], values: Float32Array.of(1) } } }],
    [
      'vectors.s.indices[0]: the number 4294967296',
      { vectors: { s: { indices: [2 ** 32], values: Float32Array.of(1) } } },
    ],
    ['vectors.s.values[0]: the number NaN', { vectors: { s: { indices: [1], values: Float32Array.of(Number.NaN) } } }],
    ['vectors.s.values: an array of 1', { vectors: { s: { indices: [1], values: [1] } } }],
  ])('refuses %s, and stays as it was', (said, wrong) => {
    expect(refusal(wrong)).toBe(said)
  })

  it('takes a payload as deep as Qdrant reads, and none deeper', () => {
    const nested = (levels: number): object => (levels === 1 ? {} : { a: nested(levels - 1) })
    expect(() => bodyOf({ payload: nested(124) as never })).not.toThrow()
    expect(refusal({ payload: nested(125) })).toMatch(/^payload(?:\.a){124}: a value within more than 124 others$/)
    const round: { self?: unknown } = {}
    round.self = round
    expect(refusal({ payload: round })).toMatch(/^payload\.self\.self/)
  })
})
