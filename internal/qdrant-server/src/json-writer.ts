import { type Json, JsonFloat } from './json-scanner.js'

const powersOfTen = Float64Array.from({ length: 12 }, (_, power) => 10 ** power)

/** Writes JSON as bytes, float32 values in the shortest digits that give the same float32, as the real server does. */
export class JsonWriter {
  #bytes: Buffer
  #at = 0

  constructor(room = 1024) {
    this.#bytes = Buffer.allocUnsafe(room)
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }

  /** Text that is JSON already. */
  raw(text: string): this {
    this.#reserve(text.length * 3)
    this.#at += this.#bytes.write(text, this.#at)
    return this
  }

  value(value: Json): this {
    if (value instanceof JsonFloat) return this.raw(floatText(value.value))
    if (typeof value === 'bigint') return this.raw(String(value))
    if (Array.isArray(value)) {
      this.#list(value, (item) => this.value(item))
      return this
    }
    if (typeof value !== 'object' || value === null) return this.raw(JSON.stringify(value))
    let separator = '{'
    for (const name of Object.keys(value)) {
      this.raw(`${separator}${JSON.stringify(name)}:`).value(value[name] ?? null)
      separator = ','
    }
    return this.raw(separator === '{' ? '{}' : '}')
  }

  floats(values: Float32Array): this {
    this.#reserve(values.length * 26 + 2)
    const bytes = this.#bytes
    bytes[this.#at++] = 0x5b
    for (let i = 0; i < values.length; i++) {
      if (i > 0) bytes[this.#at++] = 0x2c
      this.#float(values[i] ?? 0)
    }
    bytes[this.#at++] = 0x5d
    return this
  }

  integers(values: Uint32Array): this {
    return this.raw(`[${values.join(',')}]`)
  }

  list<T>(items: Iterable<T>, write: (item: T) => void): this {
    this.#list(items, write)
    return this
  }

  #list<T>(items: Iterable<T>, write: (item: T) => void): void {
    this.raw('[')
    let isFirst = true
    for (const item of items) {
      if (!isFirst) this.raw(',')
      isFirst = false
      write(item)
    }
    this.raw(']')
  }

  /** There is room for it. */
  #float(value: number): void {
    const size = Math.abs(value)
    if (size >= 1e-3 && size < 1e3) {
      for (let decimals = 1; decimals < 12; decimals++) {
        const power = powersOfTen[decimals] ?? 1
        const scaled = Math.round(size * power)
        if (Math.fround(scaled / power) !== size) continue
        this.#decimal(scaled, decimals, value < 0)
        return
      }
    }
    this.#at += this.#bytes.write(floatText(value, shortest(value)), this.#at, 'latin1')
  }

  #decimal(scaled: number, decimals: number, isNegative: boolean): void {
    const bytes = this.#bytes
    if (isNegative) bytes[this.#at++] = 0x2d
    const power = powersOfTen[decimals] ?? 1
    const whole = Math.floor(scaled / power)
    if (whole < 10) bytes[this.#at++] = 0x30 + whole
    else this.#at += bytes.write(String(whole), this.#at, 'latin1')
    bytes[this.#at++] = 0x2e
    let rest = scaled - whole * power
    for (let at = this.#at + decimals - 1; at >= this.#at; at--) {
      const tenth = Math.floor(rest / 10)
      bytes[at] = 0x30 + rest - tenth * 10
      rest = tenth
    }
    this.#at += decimals
  }

  #reserve(count: number): void {
    if (this.#at + count <= this.#bytes.length) return
    const wider = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + count))
    this.#bytes.copy(wider, 0, 0, this.#at)
    this.#bytes = wider
  }
}

/** A float as Rust prints it in JSON: an integral one keeps its `.0`. */
function floatText(value: number, shown = value): string {
  if (Object.is(value, -0)) return '-0.0'
  const text = String(shown)
  return /[.e]/.test(text) ? text.replace('e+', 'e') : `${text}.0`
}

function shortest(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const candidate = Number(value.toPrecision(digits))
    if (Math.fround(candidate) === value) return candidate
  }
  return Number(value.toPrecision(9))
}
