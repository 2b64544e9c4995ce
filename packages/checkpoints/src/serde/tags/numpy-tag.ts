import { base64Of, type Tag } from './tag.js'

type Read = (view: DataView, at: number, isLittle: boolean) => number | bigint | boolean

const kinds: ReadonlyMap<string, Read> = new Map(
  Object.entries<Read>({
    b1: (view, at) => view.getUint8(at) !== 0,
    i1: (view, at) => view.getInt8(at),
    i2: (view, at, isLittle) => view.getInt16(at, isLittle),
    i4: (view, at, isLittle) => view.getInt32(at, isLittle),
    i8: (view, at, isLittle) => safe(view.getBigInt64(at, isLittle)),
    u1: (view, at) => view.getUint8(at),
    u2: (view, at, isLittle) => view.getUint16(at, isLittle),
    u4: (view, at, isLittle) => view.getUint32(at, isLittle),
    u8: (view, at, isLittle) => safe(view.getBigUint64(at, isLittle)),
    f4: (view, at, isLittle) => view.getFloat32(at, isLittle),
    f8: (view, at, isLittle) => view.getFloat64(at, isLittle),
  }),
)

/**
 * An array of numpy: its elements in the order in which they lie in memory (`C`: the last index moves fastest, `F`: the first), as numbers where their
 * type is one of numpy's plain ones (https://numpy.org/doc/stable/reference/arrays.interface.html), else as bytes.
 *
 * @returns undefined if the parts are not those of an array
 */
export function numpyTag(parts: readonly unknown[], float: (value: number) => unknown): Tag | undefined {
  const [dtype, shape, order, data] = parts
  if (parts.length !== 4 || typeof dtype !== 'string' || !isShape(shape)) return undefined
  if ((order !== 'C' && order !== 'F') || !(data instanceof Uint8Array)) return undefined
  const count = shape.reduce((product, length) => product * length, 1)
  const size = Number(dtype.slice(2))
  const read = /^[<>|]/.test(dtype) ? kinds.get(dtype.slice(1)) : undefined
  if (read === undefined) return { $type: 'numpy.ndarray', dtype, shape, order, base64: base64Of(data) }
  if (data.byteLength !== count * size) return undefined
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const isLittle = !dtype.startsWith('>')
  const values: unknown[] = []
  for (let at = 0; at < data.byteLength; at += size) {
    const value = read(view, at, isLittle)
    const isPlain = typeof value !== 'number' || (Number.isFinite(value) && !Object.is(value, -0))
    values.push(isPlain ? value : float(value))
  }
  return { $type: 'numpy.ndarray', dtype, shape, order, data: values }
}

function isShape(shape: unknown): shape is readonly number[] {
  return Array.isArray(shape) && shape.every((length) => Number.isSafeInteger(length) && length >= 0)
}

function safe(value: bigint): number | bigint {
  return value <= 9007199254740991n && value >= -9007199254740991n ? Number(value) : value
}
