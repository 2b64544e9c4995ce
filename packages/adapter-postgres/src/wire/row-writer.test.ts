import { describe, expect, test } from 'vitest'
import type { Codec } from './codec.js'
import { codecFor } from './codec-for.js'
import { loopWriter, rowWriter } from './row-writer.js'
import { WireBuffer } from './wire-buffer.js'
import { wireType } from './wire-type.js'

const int4 = codecFor(wireType('int4')) as Codec

describe.each([
  ['generated', rowWriter],
  ['the loop', loopWriter],
])('a writer, %s', (_, writerOf) => {
  const refuse = (error: unknown, column: number, place: number) => ({ error, column, place })

  test.each(['id', '"', '\\', '\u2028', 'x; drop table y', '', '1'])('takes the name %j as a name', (name) => {
    const out = new WireBuffer(1)
    const write = writerOf(
      ['a', name, 'b'].map((column) => ({ name: column, codec: int4 })),
      refuse,
    )
    write({ a: null, [name]: 42 }, out, 0)
    expect(out.bytes.toString('hex', 0, out.at)).toBe('0003' + 'ffffffff' + '00000004' + '0000002a' + 'ffffffff')
  })

  test('takes a field that records inherit for none', () => {
    const out = new WireBuffer(64)
    const write = writerOf(
      ['constructor', '__proto__'].map((name) => ({ name, codec: int4 })),
      refuse,
    )
    write({}, out, 0)
    write(JSON.parse('{"__proto__": 1, "constructor": 2}'), out, 1)
    const none = '0002' + 'ffffffff' + 'ffffffff'
    expect(out.bytes.toString('hex', 0, out.at)).toBe(`${none}0002${'00000004'}00000002${'00000004'}00000001`)
  })

  test('says whose value was refused', () => {
    const write = writerOf(
      ['a', 'b', 'c'].map((name) => ({ name, codec: int4 })),
      refuse,
    )
    const caught = (() => {
      try {
        write({ a: 1, b: 'x', c: 'y' }, new WireBuffer(64), 9)
      } catch (error) {
        return error
      }
      return undefined
    })()
    expect(caught).toMatchObject({ column: 1, place: 9, error: { name: 'ValueRefused' } })
  })
})
