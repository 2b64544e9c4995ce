/** About four characters per token, and at least one; with a real tokenizer this takes longer. */
export function countTokens(content: string): number {
  let characters = 0
  for (const _ of content) characters++
  return Math.max(1, Math.floor(characters / 4))
}
