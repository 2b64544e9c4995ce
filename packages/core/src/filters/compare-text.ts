/** Readies a text to compare others with, by code point: negative, zero or positive, as in `sort`. */
export function compareText(operand: string): (value: string) => number {
  // `<` compares UTF-16 units. It differs from the order of code points only where both texts have a unit from U+D800 on.
  if (!/[\ud800-\uffff]/.test(operand)) return (value) => (value < operand ? -1 : value > operand ? 1 : 0)
  return (value) => byCodePoint(value, operand)
}

function byCodePoint(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length)
  let i = 0
  while (i < shorter && a.charCodeAt(i) === b.charCodeAt(i)) i++
  if (i === shorter) return a.length - b.length
  // The first difference may stand inside a pair whose first half is the same in both.
  if (i > 0 && isHighSurrogate(a.charCodeAt(i - 1))) i--
  return (a.codePointAt(i) as number) - (b.codePointAt(i) as number) || unitsFrom(a, b, i)
}

/** Two lone halves that are equal, with the difference behind them. */
function unitsFrom(a: string, b: string, i: number): number {
  return (a.codePointAt(i + 1) as number) - (b.codePointAt(i + 1) as number)
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}
