import { describe, expect, test } from 'vitest'
import { JsonError, JsonFloat, JsonScanner, plain } from './json-scanner.js'
import { JsonWriter } from './json-writer.js'

const read = (text: string) => new JsonScanner(Buffer.from(text)).whole()
const written = (text: string): string => new JsonWriter(1).value(read(text)).bytes.toString()

describe('JSON', () => {
  test.each([
    '18446744073709551615',
    '-9223372036854775808',
    '9007199254740993',
    '1.0',
    '-0.0',
    '0.1',
    '1e-7',
    '"\\u0000 \\" \\\\ 😀"',
    '{"__proto__":{"a":[1,null,true,false,"x"]},"":{}}',
    '[[],[[]]]',
  ])('%s is read and written as it is', (text) => {
    expect(written(text)).toBe(text)
  })

  test('integers of more than 64 bits are floats', () => {
    expect(read('18446744073709551616')).toEqual(new JsonFloat(2 ** 64))
    expect(plain(read('{"a":[1.0,2]}'))).toEqual({ a: [1, 2] })
  })

  test.each(['', '{', '[1,]', '{"a" 1}', '01', '1.', '1e', '-', 'NaN', 'nul', '"a', '[1] x', '1e999'])(
    '%s is refused',
    (text) => {
      expect(() => read(text)).toThrow(JsonError)
    },
  )

  test('numbers are read as JavaScript reads them', () => {
    const random = generator(7)
    for (let i = 0; i < 2_000; i++) {
      const value = (random() - 0.5) * 10 ** Math.floor(random() * 40 - 20)
      for (const text of [String(value), value.toPrecision(7), value.toFixed(12)]) {
        expect(Number(plain(read(text)))).toBe(JSON.parse(text))
      }
    }
  })

  test('every float32 is written in few digits that give it again', () => {
    const random = generator(11)
    const values = Float32Array.from({ length: 20_000 }, (_, i) =>
      i % 2 === 0 ? random() * 2 - 1 : (random() - 0.5) * 10 ** (random() * 70 - 35),
    )
    const text = new JsonWriter().floats(values).bytes.toString()
    expect(new JsonScanner(Buffer.from(text)).floats()).toEqual(values)
    for (const digits of text.slice(1, -1).split(',').slice(0, 1_000)) {
      const significant = digits
        .replace(/e.*$/, '')
        .replace(/[-.]/g, '')
        .replace(/^0+|0+$/g, '')
      expect(significant.length).toBeLessThanOrEqual(9)
    }
    const some = Float32Array.of(0, -0, 1, -2, 0.1, 0.3, 1e-7, 16777216, 3.4028235e38, 1.1754944e-38, 999.99)
    const expected = '[0.0,-0.0,1.0,-2.0,0.1,0.3,1e-7,16777216.0,3.4028235e38,1.1754944e-38,999.99]'
    expect(new JsonWriter().floats(some).bytes.toString()).toBe(expected)
  })
})

/** The same numbers in [0, 1) every time. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
