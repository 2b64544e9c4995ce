const powersOfTen = [1e6, 1e7, 1e8, 1e9] as const

/** The shortest decimal digits that give the same float32 again: 0.1, where the same value as a double has 0.10000000149011612. */
export function shortestFloat32(value: number): string {
  const size = Math.abs(value)
  if (Number.isInteger(value) && size < 1e7) return String(value)
  // Embeddings lie here. Rounding at a decimal place is several times faster than toPrecision.
  if (size >= 1e-1 && size < 1) {
    for (const power of powersOfTen) {
      const candidate = Math.round(value * power) / power
      if (Math.fround(candidate) === value) return String(candidate)
    }
  }
  for (let digits = 6; digits < 9; digits++) {
    const candidate = Number(value.toPrecision(digits))
    if (Math.fround(candidate) === value) return asNumber(candidate)
  }
  return asNumber(Number(value.toPrecision(9)))
}

/** Not as a bare integer of more than 15 digits, which readers take for a bigint. */
function asNumber(value: number): string {
  return Math.abs(value) > Number.MAX_SAFE_INTEGER ? value.toExponential() : String(value)
}
