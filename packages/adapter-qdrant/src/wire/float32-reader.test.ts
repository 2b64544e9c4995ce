import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import wabt from 'wabt'
import { exactFloat32 } from './exact-float32.js'
import { float32Kernel } from './float32-kernel.js'
import { readFloat32s } from './float32-reader.js'
import { NoJson } from './json-bytes.js'
import { openKernel } from './reading-kernel.js'

const perList = 1000

function read(texts: readonly string[], kernel?: ReturnType<typeof openKernel>): Float32Array {
  // In the midst of other bytes, and at any place of a word.
  const before = '#'.repeat(texts.length % 7)
  const bytes = Buffer.from(`${before}[${texts.join(',')}]}]}}`)
  return readFloat32s(bytes, before.length, kernel)
}

/** Every number as it is read alone, and as JavaScript rounds it, which is wrong only where its double lies in the middle of two float32. */
function expectExact(texts: readonly string[], kernel?: ReturnType<typeof openKernel>): void {
  for (let from = 0; from < texts.length; from += perList) {
    const some = texts.slice(from, from + perList)
    const floats = read(some, kernel)
    expect(floats).toHaveLength(some.length)
    for (const [i, text] of some.entries()) {
      const value = floats[i] as number
      const isRight = Object.is(value, exactFloat32(text)) && (isMiddle(text) || Object.is(value, fround(text)))
      if (!isRight) expect.fail(`${text} is read as ${value}`)
    }
  }
}

function fround(text: string): number {
  return Math.fround(Number(text))
}

const double = new Float64Array(1)
const words = new Uint32Array(double.buffer)

function isMiddle(text: string): boolean {
  double[0] = Number(text)
  return ((words[0] as number) & 0x1fffffff) === 0x10000000
}

/** The same numbers each time. */
function dice(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const bits = new Uint32Array(1)
const float = new Float32Array(bits.buffer)

function floatOf(word: number): number {
  bits[0] = word
  return float[0] as number
}

describe('a list of decimals as float32', () => {
  it('is the nearest float32 of each, whatever the digits and decimals', () => {
    const roll = dice(1)
    const texts = Array.from({ length: 60_000 }, () => {
      const digits = Array.from({ length: 1 + roll(3) }, () => roll(10 ** (1 + roll(7)))).join('')
      const decimals = roll(22)
      const plain = digits.replace(/^0+(?=\d)/, '').padStart(decimals + 1, '0')
      const text = decimals === 0 ? plain : `${plain.slice(0, -decimals)}.${plain.slice(-decimals)}`
      const exponent = roll(20) === 0 ? `${roll(2) === 0 ? 'e' : 'E+'}${roll(12)}` : ''
      return `${roll(2) === 0 ? '-' : ''}${text}${exponent}`
    })
    expectExact(texts)
  })

  it('is the nearest float32 of each, as Qdrant and others print them', () => {
    const roll = dice(2)
    const texts = Array.from({ length: 60_000 }, (_, i) => {
      const value = floatOf(roll(2 ** 32))
      const small = Math.fround((roll(2 ** 24) - 2 ** 23) / 2 ** (23 + roll(8)))
      const printed = Number.isFinite(value) && i % 4 === 0 ? value : small
      return i % 2 === 0 ? String(printed) : printed.toPrecision(1 + roll(12))
    })
    expectExact(texts)
  })

  it('is the nearest float32 in the middle between two, and next to it', () => {
    const roll = dice(3)
    const texts = Array.from({ length: 30_000 }, (_, i) => {
      // From 2^-5 to 2^25: the decimals of a middle are as many as its bits behind the dot.
      const word = ((122 + roll(31)) << 23) | roll(2 ** 23)
      const middle = (floatOf(word) + floatOf(word + 1)) / 2
      const text = middle.toFixed(30).replace(/\.?0+$/, '')
      const decimals = text.split('.')[1]?.length ?? 0
      const further = roll(4) + 1
      const moved = BigInt(text.replace('.', '')) * 10n ** BigInt(further) + BigInt((i % 3) - 1)
      const digits = String(moved).padStart(decimals + further + 1, '0')
      return `${digits.slice(0, -decimals - further)}.${digits.slice(-decimals - further)}`
    })
    expectExact(texts)
  })

  it('keeps zeros with their signs, and takes white space anywhere', () => {
    expectExact(['0', '-0', '0.0', '-0.0', '0e0', '-0e5', '0.00000000000000000000', '-0.000000000000001'])
    const spaced = Buffer.from('[ 1\t,\n-2.5 ,3 , 4e0\r,0.125 ]')
    expect(readFloat32s(spaced, 0)).toEqual(Float32Array.of(1, -2.5, 3, 4, 0.125))
    expect(readFloat32s(Buffer.from('[ ]'), 0)).toEqual(new Float32Array(0))
  })

  it('reads lists of any length, one after the other, and keeps none of the memory', () => {
    const texts = Array.from({ length: 70_000 }, (_, i) => String((i % 1000) / 7).slice(0, 10))
    const long = read(texts)
    const short = read(['1', '2'])
    expect(short.buffer.byteLength).toBe(8)
    expect(read(['3', '4'])).toEqual(Float32Array.of(3, 4))
    expect(short).toEqual(Float32Array.of(1, 2))
    expect(Buffer.from(long.buffer).equals(Buffer.from(Float32Array.from(texts, Number).buffer))).toBe(true)
    const sevens = read(Array.from({ length: 200_000 }, () => '7'))
    expect([sevens.length, sevens.every((value) => value === 7)]).toEqual([200_000, true])
  })

  it.each([
    '01',
    '-01.5',
    '1.',
    '-',
    '+1',
    '.5',
    '1e',
    '1.5.5',
    '0.1234567890123456789.',
    'NaN',
    '1_0',
    '1;2',
    '',
    ' ',
  ])('refuses %j within it', (text) => {
    for (const list of [`[${text}]`, `[0.5,${text}]`, `[0.5,${text},0.25]`]) {
      if (text.trim() === '' && list === `[${text}]`) continue
      expect(() => readFloat32s(Buffer.from(list), 0), list).toThrow(NoJson)
      expect(() => readFloat32s(Buffer.from(list), 0, openKernel({})), list).toThrow(NoJson)
    }
  })

  it('says where the list is that has no end, or the number that is none', () => {
    expect(() => readFloat32s(Buffer.from('  [1,2'), 2)).toThrow('no end of a list at byte 2')
    expect(() => readFloat32s(Buffer.from('  [1,x]'), 2)).toThrow('no number at byte 5')
  })

  it('is the same where there is no WebAssembly', () => {
    const texts = ['0.1', '-2', '1e-7', '340282350000000000000000000000000000000', '0.30000001192092896', '5']
    expectExact(texts, openKernel({}))
    expectExact(
      Array.from({ length: 20_000 }, (_, i) => String(i / 8)),
      openKernel({}),
    )
  })

  it('is read by what its source compiles to', async () => {
    const source = readFileSync(path.join(import.meta.dirname, 'float32-kernel.wat'), 'utf8')
    const { buffer } = (await wabt()).parseWat('float32-kernel.wat', source, { simd: true }).toBinary({})
    expect(
      Buffer.from(buffer).toString('base64'),
      'run: node --conditions=@drover/source --import tsx packages/adapter-qdrant/write-kernel.ts',
    ).toBe(float32Kernel)
  })
})
