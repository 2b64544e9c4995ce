import type { Matrix } from './copy-all.js'
import type { Cell } from './copy-sets.js'
import { type NamedSet, sets } from './sets.js'

/** Stores that stand together on the page: where they differ it says so. */
const columns = [
  { title: 'memory', stores: ['Memory'] },
  { title: 'PostgreSQL', stores: ['PostgreSQL'] },
  { title: 'SQLite', stores: ['SQLite, better-sqlite3', 'SQLite, sqlite3'] },
  { title: 'NDJSON, JSON', stores: ['NDJSON', 'JSON'] },
  { title: 'Parquet', stores: ['Parquet'] },
  { title: 'Redis, hashes', stores: ['Redis, hashes'] },
  { title: 'Redis, strings', stores: ['Redis, strings'] },
  { title: 'Qdrant', stores: ['Qdrant'] },
] as const

/** Strings of Redis are texts, and where they hold JSON a step makes of it what the column of NDJSON has. */
const sources = columns.filter(({ title }) => title !== 'Redis, strings')

type Column = (typeof columns)[number]

/** The text of docs/fidelity.md. */
export function fidelityPage(matrix: Matrix): string {
  const destinations = columns.filter(({ title }) => title !== 'memory')
  const glance = table(
    ['from memory into', ...destinations.map(({ title }) => title)],
    sets.map((set) => [set.label, ...destinations.map((to) => cell(matrix, set, columns[0], to))]),
  )
  return `${head}\n${glance}\n\n${destinations.map((to) => section(matrix, to)).join('\n\n')}\n`
}

function section(matrix: Matrix, to: Column): string {
  const told = sets.map((set) => ({ set, cells: sources.map((from) => cell(matrix, set, from, to)) }))
  const isExact = (cells: readonly string[]): boolean => cells.every((text) => text === 'exact' || text === none)
  const exact = told.filter(({ cells }) => isExact(cells)).map(({ set }) => set.label)
  const rows = told.filter(({ cells }) => !isExact(cells)).map(({ set, cells }) => [set.label, ...cells])
  const listed =
    rows.length === 0 ? '' : `\n\n${table([`into ${to.title}`, ...sources.map(({ title }) => title)], rows)}`
  return `## Into ${to.title}\n\nExact from every store that has it: ${exact.join('; ')}.${listed}`
}

const none = '—'

function cell(matrix: Matrix, set: NamedSet, from: Column, to: Column): string {
  const texts = new Map<string, string[]>()
  for (const target of to.stores) {
    for (const source of from.stores) {
      const text = textOf(matrix.get(target)?.get(source)?.get(set.name))
      texts.set(text, [...(texts.get(text) ?? []), `${source} → ${target}`])
    }
  }
  const [first = none, ...others] = texts.keys()
  return others.length === 0 ? first : [...texts].map(([text, pairs]) => `${text} (${pairs.join(', ')})`).join('; ')
}

function textOf(found: Cell | undefined): string {
  if (found === undefined) return none
  if (found.issue !== undefined)
    return `not begun: ${found.issue.remedy === undefined ? found.issue.loses : `\`${found.issue.remedy}\``}`
  if (found.wrong.length > 0) return '**changed**'
  const forms = [...found.forms.keys()]
  const refused = found.refused === 0 ? [] : [found.exact + forms.length === 0 ? 'refused' : `${found.refused} refused`]
  return [...(forms.length > 0 ? forms : found.exact > 0 ? ['exact'] : []), ...refused].join('; ')
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(titles), `|${titles.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}

const head = `# Fidelity

<!-- Written by internal/fidelity/write-page.ts, which copies all of it; a test does so again. -->

What becomes of values on their way from one store to another, when Drover makes the table or the file. A test copies the values of every row of
these tables from every store to every other one, and each store to itself, reads them back and compares them by value and by type. No cell is what
somebody thinks: \`npm test\` fails if one is different, and if a value is changed without being refused.

| a cell | |
|---|---|
| exact | every value, and null, came back equal and of the same type; edge values included (the largest and smallest integers, subnormal floats, the years 1 and 9999, texts with marks, surrogates and lines) |
| refused | each such record is refused by its key: it counts as rejected, goes to the dead letters, and nothing stands in its place. "1 refused" is said of one of the values |
| not begun | the run ends with \`FIDELITY_LOSS\` before anything is written; the option that accepts it is named |
| — | that source has no such type: it has texts or integers instead, which are copied as that |
| as a list, as text of JSON, … | equal, in another form: a vector is a list where there are no vectors, an object is its JSON where there are only texts. Of JSON that is a text alone SQLite gets that text, without marks: there the text 1.5 and the number are one |
| as 1 and 0 | SQLite has no booleans |
| as 0 | SQLite stores −0 as 0 |
| with other zeros at the end | the same decimal or moment: \`…59.5\` and \`…59.500000\` |
| as a vector | a list of numbers became the vector that it was meant for: float32 |
| integers as numbers | PostgreSQL's JSON does not tell 1 from 1.0, and a payload of Qdrant has 1 for both, which its filters find |

"Memory" is \`memorySource\` with a described schema: it has every type. Files of JSON say nothing of types: their sources look at the values. Both drivers of SQLite, and
NDJSON and JSON, are copied each by itself; they stand in one column because they are the same. Redis holds texts and bytes: hashes are \`redisSink({ as: 'hash' })\`, a field for each
value, and strings \`as: 'string'\`, the record's JSON; both are read back by the sink, which knows the types (\`verify\`). As a source Redis gives the texts, JSON in a string too: a step that parses it gives what the column
of NDJSON has. Into a table that is there already a sink compares
both schemas before it writes, and refuses columns that would lose something, unless they are named: see [PostgreSQL](postgres.md), [SQLite](sqlite.md), [Redis](redis.md).

Qdrant has fields in payloads, which are JSON, and vectors beside them. It is read back by the sink, which knows the types; as a source it gives payloads, of which a step makes
records and says what type each field has. What answers here is no Qdrant, but [a server of our own](qdrant.md#what-was-run-and-limits) with its storage semantics. Points that go
from Qdrant to Qdrant without a step between keep every number as it stood there: 1.0 is not 1.

## At a glance
`
