/** `size` bits, the first one lowest in its byte, as Arrow has them: 1 for each byte of `flags` that is `one`. */
export function packBits(flags: Uint8Array, from: number, size: number, one: 0 | 1): Uint8Array {
  const bits = new Uint8Array((size + 7) >> 3)
  const flip = one === 1 ? 0 : 1
  for (let i = 0; i < size; i++) {
    // Behind the last flag all are 0.
    const flag = from + i < flags.length ? (flags[from + i] as number) : 0
    bits[i >> 3] = (bits[i >> 3] as number) | ((flag ^ flip) << (i & 7))
  }
  return bits
}

export function bitAt(bits: Uint8Array, at: number): 0 | 1 {
  return (((bits[at >> 3] as number) >> (at & 7)) & 1) as 0 | 1
}
