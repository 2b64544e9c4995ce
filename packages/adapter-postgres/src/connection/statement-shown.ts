const longest = 300

/**
 * A statement in one line, with `…` for the texts in it: those may be keys of records, or whatever the user's SQL holds. The server
 * cuts statements off, so the last text may have no end.
 */
export function statementShown(sql: string): string {
  const shown = sql
    .replace(tokens, (token) => (token.startsWith('"') ? token : /^(--|\/\*)/.test(token) ? ' ' : "'…'"))
    .replace(/\s+/g, ' ')
    .trim()
  return shown.length > longest ? `${shown.slice(0, longest)}…` : shown
}

/** Names in quotes, so that no text begins within one; texts of all kinds; comments. */
const tokens = new RegExp(
  [
    `"(?:[^"]|"")*"?`,
    String.raw`\b[eE]'(?:[^'\\]|\\[^]|'')*(?:'|$)`,
    String.raw`(?:\b[bBxXnN])?'(?:[^']|'')*(?:'|$)`,
    String.raw`\$(\w*)\$[^]*?(?:\$\1\$|$)`,
    String.raw`--[^\n]*`,
    String.raw`/\*[^]*?(?:\*/|$)`,
  ].join('|'),
  'g',
)
