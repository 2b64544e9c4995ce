/**
 * The fewest digits that give a positive float32 again, for those that the quick way leaves aside: powers of two, subnormal numbers, very
 * large and very small ones, ties.
 */
export function rareFloat32(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const near = value.toPrecision(digits)
    if (isRead(near, value)) return compact(near)
    // Of a power of two the neighbour below is twice as near, and a number above may be read as it though a nearer one below is not.
    const above = nextAbove(near)
    if (isRead(above, value)) return compact(above)
  }
  return compact(value.toPrecision(9))
}

/**
 * Whether it is read as that float32, also by a reader like Rust's serde_json, which reads a double first and may be a unit or two off in
 * its last place where powers of ten are not exact.
 */
function isRead(text: string, value: number): boolean {
  const read = Number(text)
  const doubt = Math.abs(Math.log10(value)) < 13 ? 0 : 2 ** -50
  return (
    Math.fround(read) === value &&
    Math.fround(read * (1 + doubt)) === value &&
    Math.fround(read * (1 - doubt)) === value
  )
}

/** One more in the last digit. */
function nextAbove(text: string): string {
  const [mantissa = '', exponent = '0'] = text.split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  return `${BigInt(whole + fraction) + 1n}e${Number(exponent) - fraction.length}`
}

/** Without zeros at the end; with an exponent where that is shorter. */
function compact(text: string): string {
  const plain = String(Number(text))
  const [mantissa = '', exponent = ''] = Number(text).toExponential().split('e')
  const scientific = `${mantissa}e${Number(exponent)}`
  return plain.length <= scientific.length && !plain.includes('e') ? plain : scientific
}
