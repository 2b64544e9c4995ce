const least = 64

type Numbers = Uint8Array | Int8Array | Int16Array | Int32Array | Float32Array | Float64Array

/** A larger array with the same values in front, and zeros behind; its length is a multiple of `stride`. */
export function grown<A extends Numbers>(array: A, needed: number): A {
  const larger = new (array.constructor as new (length: number) => A)(Math.max(least, needed, array.length * 2))
  larger.set(array)
  return larger
}
