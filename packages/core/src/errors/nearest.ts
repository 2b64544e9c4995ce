/** The names of `known` that are closest to `wanted`, nearest first, at most three; empty if none is close. */
export function nearestNames(wanted: string, known: Iterable<string>): string[] {
  const goal = wanted.toLowerCase()
  // Of a name of two letters another one with two edits has nothing.
  const limit = Math.min(Math.max(2, Math.ceil(goal.length / 3)), Math.max(1, goal.length - 1))
  return [...known]
    .map((name) => ({ name, distance: distance(goal, name.toLowerCase()) }))
    .filter((candidate) => candidate.distance <= limit)
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, 3)
    .map((candidate) => candidate.name)
}

/** `; did you mean "a" or "b"? There are: …` — the tail of a message that refuses a name. */
export function suggestNames(wanted: string, known: Iterable<string>): string {
  const all = [...known]
  const near = nearestNames(wanted, all)
  const meant = near.length > 0 ? `; did you mean ${near.map((name) => `"${name}"`).join(' or ')}?` : '.'
  const shown = all.slice(0, 40)
  const more = all.length > shown.length ? ` and ${all.length - shown.length} more` : ''
  return `${meant} There ${all.length === 1 ? 'is' : 'are'}: ${shown.join(', ') || 'none'}${more}.`
}

/** Edits (insert, delete, replace) from one text to the other. */
function distance(from: string, to: string): number {
  let above = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = (above[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1)
      row.push(Math.min(replaced, (above[j] as number) + 1, (row[j - 1] as number) + 1))
    }
    above = row
  }
  return above[to.length] as number
}
