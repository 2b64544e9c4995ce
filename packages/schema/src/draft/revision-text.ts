import type { Call, Change } from './call.js'

/** What a file of a revision is made from. */
export interface RevisionText {
  readonly id: string
  readonly dependsOn: readonly string[]
  readonly message: string
  readonly author: string
  readonly now: Date
  readonly breaking?: boolean
  readonly transaction?: 'none'
  /** Sentences above it. */
  readonly remarks?: readonly string[]
  /** Left out, there is a place for them. */
  readonly changes?: readonly Change[]
}

const width = 120

/** The text of a file of TypeScript that exports a revision, with the checklist above it. */
export function revisionText(revision: RevisionText): string {
  const { id, dependsOn, message, breaking = false, transaction, changes } = revision
  const words = new Set(
    changes?.flatMap(({ up, down }) => [...up, ...down].map(({ word }) => (word === 'sql' ? 'sql' : 'schema'))),
  )
  const [only] = dependsOn
  const parents = dependsOn.length === 1 && only !== undefined ? only : dependsOn
  return [
    "import { defineMigration } from '@drover/schema'",
    '',
    ...checklist(revision),
    'export default defineMigration({',
    `  id: ${shown(id)},`,
    ...(dependsOn.length === 0 ? [] : [`  dependsOn: ${shown(parents)},`]),
    `  description: ${shown(message)},`,
    ...(breaking
      ? ['  // Code that is running does not know the new names, or still reads what goes.', '  breaking: true,']
      : []),
    ...(transaction === undefined ? [] : [`  transaction: '${transaction}',`, '  idempotent: true,']),
    ...(changes === undefined ? empty : direction('up', upLines(changes), words)),
    ...(changes === undefined ? [] : direction('down', downLines(changes), words)),
    '})',
    '',
  ].join('\n')
}

const empty = [
  "  // up: async ({ schema }) => schema.addColumn('calls', 'priority', { type: 'integer', nullable: false, default: 0 }),",
  '  up: async () => {},',
  "  // down: async ({ schema }) => schema.dropColumn('calls', 'priority'), or irreversible('why')",
  '  down: async () => {},',
]

function checklist({ id, message, author, now, remarks = [] }: RevisionText): string[] {
  return [
    '/*',
    ` * ## Migration: ${line(message)}`,
    ' *',
    ` * **Revision:** ${id}`,
    ` * **Date:** ${now.toISOString().slice(0, 10)}`,
    ` * **Author:** ${line(author)}`,
    ' *',
    ' * ### Changes',
    ' * - [ ] Schema changes documented',
    ' * - [ ] Indexes added/modified',
    ' * - [ ] Data migration needed? (Y/N)',
    ' *',
    ' * ### Testing',
    ' * - [ ] Upgrade tested locally',
    ' * - [ ] Downgrade tested locally',
    ' * - [ ] Data preservation verified',
    ' * - [ ] Index effectiveness verified',
    ' * - [ ] Migration tests pass',
    ' *',
    ' * ### Deployment',
    ' * - [ ] Backup created',
    ' * - [ ] Downtime needed? (Y/N)',
    ' * - [ ] Rollback plan documented',
    ' * - [ ] Team notified',
    ' *',
    ' * ### Post-Deployment',
    ' * - [ ] Migration applied successfully',
    ' * - [ ] Data migrations run (if applicable)',
    ' * - [ ] Application verified',
    ' * - [ ] Monitoring checked',
    ...(remarks.length === 0 ? [] : [' *', ' * ### Not compared', ...remarks.map((remark) => ` * - ${line(remark)}`)]),
    ' */',
  ]
}

/** One line of a comment, which it does not end. */
function line(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('*/', '* /').trim()
}

function direction(name: 'up' | 'down', lines: readonly string[], words: ReadonlySet<string>): string[] {
  const text = lines.join('\n')
  const used = ['schema', 'sql'].filter((word) => words.has(word) && new RegExp(`await ${word}\\b`).test(text))
  const given = used.length === 0 ? '' : `{ ${used.join(', ')} }`
  if (lines.length === 0) return [`  ${name}: async () => {},`]
  return [`  ${name}: async (${given}) => {`, ...lines.map((each) => `    ${each}`.trimEnd()), '  },']
}

function upLines(changes: readonly Change[]): string[] {
  return changes.flatMap(({ up, comments = [], undecided }) => [
    ...comments.map((comment) => `// ${line(comment)}`),
    ...(undecided === undefined
      ? []
      : [`// DECIDE: ${line(undecided)}`, `throw new Error(${shown(`Not decided yet: ${line(undecided)}`)})`]),
    ...up.map(callText),
  ])
}

function downLines(changes: readonly Change[]): string[] {
  return [...changes].reverse().flatMap(({ down }) => down.map(callText))
}

function callText({ word, given }: Call): string {
  const name = word === 'sql' ? 'sql' : `schema.${word}`
  const parts = given.filter((each) => each !== undefined).map((each) => shown(each, 4, name.length + 8))
  return `await ${name}(${parts.join(', ')})`
}

/** A value as TypeScript writes it: on one line if it fits behind so many characters, else each part on its own. */
function shown(value: unknown, indent = 2, before = 0): string {
  if (typeof value === 'string') return text(value)
  if (typeof value !== 'object' || value === null) return String(value)
  const isList = Array.isArray(value)
  const [open, close] = isList ? ['[', ']'] : ['{ ', ' }']
  const written = (inner: number): string[] =>
    isList
      ? value.map((each) => shown(each, inner))
      : Object.entries(value).flatMap(([name, each]) =>
          each === undefined ? [] : `${isPlain(name) ? name : text(name)}: ${shown(each, inner, name.length + 2)}`,
        )
  const parts = written(indent)
  const short = parts.length === 0 ? `${open}${close}`.replaceAll(' ', '') : `${open}${parts.join(', ')}${close}`
  const fits = indent + before + short.length <= width && !short.includes('\n')
  if (fits || (isList && parts.length === 1)) return short
  const lines = written(indent + 2).map((part) => `${' '.repeat(indent + 2)}${part},\n`)
  return `${open.trim()}\n${lines.join('')}${' '.repeat(indent)}${close.trim()}`
}

function isPlain(name: string): boolean {
  return /^[A-Za-z_$][\w$]*$/.test(name)
}

function text(value: string): string {
  const hasLines = value.includes('\n')
  const escaped = value.replaceAll('\\', '\\\\')
  if (hasLines) return `\`${escaped.replaceAll('`', '\\`').replaceAll('${', '\\${')}\``
  if (!value.includes("'")) return `'${escaped}'`
  return value.includes('"') ? `'${escaped.replaceAll("'", "\\'")}'` : `"${escaped}"`
}
