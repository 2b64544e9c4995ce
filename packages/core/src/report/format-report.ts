import type { KeptRecord, PartitionReport, RejectedRecord, Report, SinkAccount, Warning } from '../contracts/report.js'
import type { Guarantee } from '../contracts/sink.js'
import { counted, duration, grouped, nothingToDo, oneLine, rate, wrapped } from './text.js'

const columns = 120
/** Lists have to leave room on the screen. */
const mostPartitions = 10
const mostWarnings = 5
/** The reason and the remedy stand at the end of a message: a warning is shown as a whole, of a record enough to tell what it has. */
const linesOfWarning = 8
const linesOfRecord = 3

const promises: Readonly<Record<Guarantee, string>> = {
  'exactly-once': 'exactly once: rows and position become durable together',
  idempotent: 'idempotent: a row written again replaces itself',
  'at-least-once': 'at least once: after a failure a row may be written twice',
}

/** The report of a run as a text for people: one screen, without colours, ending in a line feed. */
export function formatReport(report: Report): string {
  const lines = [headline(report)]
  for (const [label, text] of facts(report)) lines.push(oneLine(`  ${label.padEnd(12)} ${text}`, columns))
  if (report.partitions.length > 1) lines.push('', ...partitionTable(report.partitions))
  if (report.rejected.length > 0) lines.push('', ...rejectedLines(report))
  if (report.account !== undefined && report.account.kept.length > 0)
    lines.push('', '  kept, the first:', ...report.account.kept.map(keptLine))
  if (report.warnings.length > 0) lines.push('', ...warningLines(report.warnings))
  return `${lines.join('\n')}\n`
}

function headline({ name, status, reason, completedAt }: Report): string {
  const said = {
    completed: 'completed',
    stopped: `stopped${reason === undefined ? '' : `: ${reason}`}; the same call goes on from here`,
    nothing: nothingToDo(completedAt),
  }
  return oneLine(`${name}: ${said[status]}`, columns)
}

function facts(report: Report): [string, string][] {
  const { status, counts, attempt } = report
  const isOld = status === 'nothing'
  const thisCall: [string, string] = ['this call', isOld ? 'nothing read, nothing written' : attemptText(attempt)]
  const { read, written, filtered, rejected, emitted, inserted, updated, skipped } = counts
  const accounts: [string, string][] = [
    ['records', sum(read, 'read', { written, filtered, rejected })],
    ['rows', sum(emitted, 'emitted', { inserted, updated, skipped })],
  ]
  return [
    // Where there was nothing to do, there may be no run.
    ...(report.run === ''
      ? []
      : [['run', `${report.run}, started ${report.startedAt.toISOString()}`] as [string, string]]),
    ['source', report.source],
    ['sink', report.sink],
    ['guarantee', promises[report.guarantee]],
    // Counts of long ago must not look like work of now.
    ...(isOld
      ? [thisCall, ...accounts.map(([label, text]): [string, string] => [`${label} then`, text])]
      : [...accounts, thisCall]),
    ...deletesText(report),
    ...besides(report.account).map((text): [string, string] => ['besides', text]),
    ...(report.deadLetters === undefined ? [] : [['dead letters', report.deadLetters] as [string, string]]),
  ]
}

function deletesText({ deletes }: Report): [string, string][] {
  if (deletes === undefined) return []
  const kept = deletes.kept === 0 ? '' : `, ${grouped(deletes.kept)} kept because the store would not let them go`
  return [['gone', `${counted(deletes.rows, 'row')} deleted, marked or unmarked${kept}`]]
}

function besides(account: SinkAccount | undefined): readonly string[] {
  if (account === undefined) return []
  const figures = figuresText(account.figures)
  return [...(figures === '' ? [] : [figures]), ...(account.notes ?? [])]
}

function figuresText(figures: Readonly<Record<string, number>>): string {
  return Object.entries(figures)
    .map(([name, value]) => `${grouped(value)} ${name}`)
    .join(', ')
}

/** One of the two equations that always hold, written out. */
function sum(total: number, name: string, parts: Readonly<Record<string, number>>): string {
  const added = Object.entries(parts).map(([part, value]) => `${grouped(value)} ${part}`)
  return `${grouped(total)} ${name} = ${added.join(' + ')}`
}

function attemptText({ counts, batches, durationMs, resumed, retries }: Report['attempt']): string {
  const speed = durationMs > 0 ? ` (${rate((counts.read / durationMs) * 1000)})` : ''
  const parts = [
    `${counted(counts.read, 'record')} in ${duration(durationMs)}${speed}`,
    batches === 1 ? '1 batch' : `${grouped(batches)} batches`,
  ]
  if (resumed) parts.push('resumed')
  if (retries > 0) parts.push(retries === 1 ? '1 retry' : `${grouped(retries)} retries`)
  return parts.join(', ')
}

function partitionTable(partitions: readonly PartitionReport[]): string[] {
  // Those that are not done are what somebody looks for.
  const ordered = [...partitions].sort((a, b) => Number(a.done) - Number(b.done))
  const rows = ordered
    .slice(0, mostPartitions)
    .map(({ id, counts, batches, done }) => [
      oneLine(id, 40),
      grouped(counts.read),
      grouped(counts.written),
      grouped(counts.filtered),
      grouped(counts.rejected),
      grouped(batches),
      done ? 'done' : 'open',
    ])
  const left = partitions.length - rows.length
  const table = aligned([['partition', 'read', 'written', 'filtered', 'rejected', 'batches', ''], ...rows])
  return left > 0 ? [...table, `  … and ${counted(left, 'partition')} more`] : table
}

/** Columns of one width each: the first and the last to the left, numbers to the right. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  return rows.map((row) => {
    const cells = row.map((cell, i) =>
      i === 0 || i === row.length - 1 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0),
    )
    return `  ${cells.join('  ')}`.trimEnd()
  })
}

function warningLines(warnings: readonly Warning[]): string[] {
  const shown = warnings.slice(0, mostWarnings)
  const lines = shown.flatMap(({ code, message }) =>
    wrapped(`  ! ${code}: ${message}`, columns, '    ', linesOfWarning),
  )
  const left = warnings.length - shown.length
  return left > 0 ? [...lines, `  … and ${counted(left, 'warning')} more`] : lines
}

function rejectedLines({ rejected, attempt }: Report): string[] {
  const all = attempt.counts.rejected
  const title =
    all > rejected.length ? `  the first ${rejected.length} of ${counted(all, 'rejected record')}:` : '  rejected:'
  return [
    title,
    ...rejected.flatMap((record) => {
      const text = `    ${keyText(record)} ${record.stage} ${record.code}: ${record.message}`
      return wrapped(text, columns, '      ', linesOfRecord)
    }),
  ]
}

function keptLine(record: KeptRecord): string {
  return oneLine(`    ${keyText(record)} ${record.reason}`, columns)
}

function keyText({ key }: Pick<RejectedRecord, 'key'>): string {
  if (key === null) return '(no key)'
  return key.length === 1 ? JSON.stringify(key[0]) : JSON.stringify(key)
}
