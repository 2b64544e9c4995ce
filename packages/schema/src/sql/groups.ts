import type { Token } from './tokens.js'

/** The index of the parenthesis that closes the one at `open`; behind the last token if none does. */
export function closing(tokens: readonly Token[], open: number): number {
  let depth = 0
  for (let at = open; at < tokens.length; at++) {
    const token = tokens[at]
    if (token?.kind !== 'symbol') continue
    if (token.value === '(') depth++
    if (token.value === ')' && --depth === 0) return at
  }
  return tokens.length
}

/** The parts between the commas that stand in no parentheses. */
export function divided(tokens: readonly Token[]): Token[][] {
  const parts: Token[][] = [[]]
  let depth = 0
  for (const token of tokens) {
    if (token.kind === 'symbol' && token.value === '(') depth++
    if (token.kind === 'symbol' && token.value === ')') depth--
    if (token.kind === 'symbol' && token.value === ',' && depth === 0) parts.push([])
    else parts.at(-1)?.push(token)
  }
  return parts
}
