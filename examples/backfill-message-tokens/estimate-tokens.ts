/** About four characters per token, and at least one. Characters are code points: an emoji is one. */
export function estimateTokens(content: string): number {
  return Math.max(1, Math.floor(codePoints(content) / 4))
}

function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}
