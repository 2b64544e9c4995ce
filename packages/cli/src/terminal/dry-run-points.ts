import { type Count, type DryRunReport, formatDryRun } from '@drover/core'

/** What a dry run is asked for, in five points. */
export interface DryRunPoints {
  readonly total: Count | null
  readonly sample: { readonly looked: number; readonly filtered: number; readonly rejected: number }
  readonly connectivity: { readonly source: boolean; readonly destination: boolean }
  /** In milliseconds. */
  readonly estimatedTime: { readonly low: number; readonly high: number } | null
  readonly issues: readonly { readonly code: string; readonly message: string }[]
}

export function dryRunPoints({
  count,
  looked,
  reached,
  forecast,
  fidelity,
  problems,
  rejected,
}: DryRunReport): DryRunPoints {
  return {
    total: count,
    sample: { looked: looked.records, filtered: looked.filtered, rejected: looked.rejected },
    connectivity: { source: reached.source, destination: reached.sink },
    estimatedTime: forecast?.durationMs ?? null,
    issues: [
      ...problems,
      ...fidelity.map(({ field, loses, remedy }) => ({
        code: 'FIDELITY_LOSS',
        message: `${field}: ${loses}${remedy === undefined ? '' : ` (${remedy})`}`,
      })),
      ...rejected.map(({ key, code, message }) => ({ code, message: `${JSON.stringify(key)}: ${message}` })),
    ],
  }
}

/** The five points as a text, and behind them what they are made of. */
export function formatPoints(report: DryRunReport): string {
  const { total, sample, connectivity, estimatedTime, issues } = dryRunPoints(report)
  const reachedText = (is: boolean): string => (is ? 'reached' : 'not reached')
  const lines = [
    `${report.name}: a dry run; nothing was changed`,
    `  total records   ${total === null ? 'nobody knows how many' : `${total.exact ? '' : 'about '}${grouped(total.value)}`}`,
    `  sample          ${grouped(sample.looked)} looked at: ${grouped(sample.filtered)} filtered, ${grouped(sample.rejected)} rejected`,
    `  connectivity    source ${report.source}: ${reachedText(connectivity.source)}`,
    `                  destination ${report.sink}: ${reachedText(connectivity.destination)}`,
    `  estimated time  ${estimatedTime === null ? 'nobody knows' : `${seconds(estimatedTime.low)} to ${seconds(estimatedTime.high)}`}`,
    `  issues          ${issues.length === 0 ? 'none' : `${issues.length}, below`}`,
  ]
  return `${lines.join('\n')}\n\n${formatDryRun(report)}`
}

function grouped(value: number): string {
  return value.toLocaleString('en-US')
}

function seconds(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`
  return `${grouped(Math.round(ms / 60_000))} min`
}
