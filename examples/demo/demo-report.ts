import path from 'node:path'
import type { Report } from '@drover/core'
import type { Commanded } from './commanded-copy.js'
import { type Places, placesIn, type Target } from './copies.js'
import { type Copied, type DemoOutcome, isRight } from './run-demo.js'

/** What the demo did, on one screen. */
export function demoReport(outcome: DemoOutcome, folder: string, durationMs: number): string {
  const { messages, calls, backfills, copies, commanded } = outcome
  const places = placesIn(folder)
  const lines = [
    '',
    `Sample     ${number(messages)} messages of ${number(calls)} calls`,
    ...listed('Backfills', backfills.map(backfillLine)),
    ...listed(
      'Copies',
      copies.flatMap((copy) => copyLines(copy, fileOf(copy.target, places))),
    ),
    ...listed(
      'Compared',
      copies.map((copy) => comparedLine(copy, fileOf(copy.target, places))),
    ),
    ...listed('Command', commandLines(commanded)),
    ...listed('Made', Object.values(places)),
    '',
    isRight(outcome)
      ? `Every record arrived once, and as it left. It took ${(durationMs / 1000).toFixed(1)} s.`
      : 'Something is not as it should be; see above.',
  ]
  return `${lines.join('\n')}\n`
}

function listed(title: string, lines: readonly string[]): string[] {
  return lines.map((line, i) => `${(i === 0 ? title : '').padEnd(10)} ${line}`)
}

function backfillLine({ name, guarantee, counts, attempt }: Report): string {
  const { read, updated, skipped, filtered } = counts
  return `${name}: ${number(read)} found = ${number(updated)} updated + ${number(skipped + filtered)} left alone, ${guarantee}, ${seconds(attempt.durationMs)}`
}

function copyLines({ killedAt, report }: Copied, file: string): string[] {
  const { counts, attempt, guarantee } = report
  const { read, written, filtered, rejected } = counts
  const before = read - attempt.counts.read
  return [
    `${file}: killed by SIGKILL at ${number(killedAt)} records; resumed behind ${number(before)}, ${guarantee}, ${seconds(attempt.durationMs)}`,
    `${' '.repeat(file.length)}  ${number(read)} read = ${number(written)} written + ${number(filtered)} filtered + ${number(rejected)} rejected`,
  ]
}

function comparedLine({ verification }: Copied, file: string): string {
  const { expected, actual, missing, extra, different } = verification
  return `${file}: ${number(actual.rows)} of ${number(expected.rows)} records, ${number(missing)} missing, ${number(extra)} extra, ${number(different)} different`
}

function commandLines({ command, interrupted, resumed, verified }: Commanded): string[] {
  return [
    `${command}: interrupted with exit code ${interrupted}; the same command again: ${resumed}`,
    `drover verify: ${verified === 0 ? 'both sides are the same' : 'the sides differ; see above'}, exit code ${verified}`,
  ]
}

function fileOf(target: Target, places: Places): string {
  return path.basename(target === 'file' ? places.file : places.copy)
}

function number(value: number): string {
  return value.toLocaleString('en')
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
