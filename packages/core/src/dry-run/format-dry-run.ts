import type { Count } from '../contracts/source.js'
import type { Row } from '../contracts/values.js'
import { encodeJson } from '../files/json-values.js'
import { counted, duration, grouped, oneLine, wrapped } from '../report/text.js'
import type { DryRunReport, Forecast, SampledRecord } from './dry-run-report.js'

const columns = 120
const mostSampled = 5
const mostRejected = 5
const linesOfProblem = 8

/** What a dry run found, as a text for people, ending in a line feed. */
export function formatDryRun(report: DryRunReport): string {
  const { fidelity, problems, creates, rejected } = report
  const lines = [oneLine(headline(report), columns)]
  for (const [label, text] of facts(report))
    lines.push(...wrapped(`  ${label.padEnd(10)} ${text}`, columns, '             ', 3))
  lines.push(...listed('would create', creates))
  const losses = fidelity.map(
    ({ field, loses, remedy }) => `${field}: ${loses}${remedy === undefined ? '' : ` (${remedy})`}`,
  )
  lines.push(...listed('would be lost', losses))
  lines.push(
    ...listed(
      'problems',
      problems.map(({ code, message }) => `${code}: ${message}`),
    ),
  )
  const refused = rejected
    .slice(0, mostRejected)
    .map(({ key, stage, code, message }) => `${JSON.stringify(key)} (${stage}, ${code}): ${message}`)
  lines.push(...listed('rejected, the first', refused))
  lines.push(...sampleLines(report.sample))
  return `${lines.join('\n')}\n`
}

function headline({ name, fidelity, problems, looked }: DryRunReport): string {
  const stops = problems.length + fidelity.length
  if (stops > 0) return `${name}: a run would fail (${counted(stops, 'reason')}); nothing was changed`
  if (looked.rejected > 0) return `${name}: a run would reject records; nothing was changed`
  return `${name}: nothing stands in the way of a run; nothing was changed`
}

function facts({ source, sink, guarantee, count, looked, forecast, notWritten }: DryRunReport): [string, string][] {
  const { records, filtered, rejected } = looked
  return [
    ['from', source],
    ['to', `${sink}, ${guarantee}`],
    ['records', countText(count)],
    ['looked at', `${counted(records, 'record')}: ${grouped(filtered)} filtered, ${grouped(rejected)} rejected`],
    ['takes', forecast === null ? 'nobody knows' : forecastText(forecast, notWritten)],
    ...(forecast === null
      ? []
      : ([['reads', `${size(forecast.bytes.low)} to ${size(forecast.bytes.high)}`]] as [string, string][])),
  ]
}

function countText(count: Count | null): string {
  if (count === null) return 'nobody knows how many'
  return count.exact ? grouped(count.value) : `about ${grouped(count.value)}, an estimate`
}

function forecastText({ durationMs }: Forecast, notWritten: string | null): string {
  const text = `${duration(durationMs.low)} to ${duration(durationMs.high)}`
  return notWritten === null ? text : `${text}; this is a guess, as writing was not tried: ${notWritten}`
}

function listed(label: string, items: readonly string[]): string[] {
  if (items.length === 0) return []
  return ['', `  ${label}:`, ...items.flatMap((item) => wrapped(`    ${item}`, columns, '      ', linesOfProblem))]
}

function sampleLines(sample: readonly SampledRecord[]): string[] {
  if (sample.length === 0) return []
  const shown = spread(sample)
  const lines = ['', `  ${shown.length} of ${counted(sample.length, 'sampled record')}, before and after:`]
  for (const { key, before, after } of shown) {
    lines.push(oneLine(`    ${JSON.stringify(key)}`, columns), oneLine(`      - ${text(before)}`, columns))
    if (after.length === 0) lines.push('      + nothing')
    for (const row of after) lines.push(oneLine(`      + ${text(row)}`, columns))
  }
  return lines
}

function spread(sample: readonly SampledRecord[]): readonly SampledRecord[] {
  if (sample.length <= mostSampled) return sample
  const step = (sample.length - 1) / (mostSampled - 1)
  return Array.from({ length: mostSampled }, (_, i) => sample[Math.round(i * step)] as SampledRecord)
}

function text(row: Row): string {
  try {
    return encodeJson(row)
  } catch {
    return '(it has no form in JSON)'
  }
}

function size(bytes: number): string {
  if (bytes < 1024) return `${Math.round(bytes)} bytes`
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(units.length, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** power).toFixed(1)} ${units[power - 1]}`
}
