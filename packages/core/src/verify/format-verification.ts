import { counted, duration, grouped, oneLine } from '../report/text.js'
import type { Difference, Verification, VerifiedSide } from './verify.js'

const columns = 120

/** What a verification found, as a text for people, ending in a line feed. */
export function formatVerification(verification: Verification): string {
  const { expected, actual, differences, durationMs } = verification
  const lines = [
    `verification: ${headline(verification)}`,
    `  expected     ${sideText(expected)}`,
    `  actual       ${sideText(actual)}`,
    `  differences  ${countsText(verification)}`,
    `  took         ${duration(durationMs)}`,
  ]
  const total = verification.missing + verification.extra + verification.different
  if (differences.length > 0) {
    lines.push('', total > differences.length ? `  the first ${differences.length}:` : '  all of them:')
    for (const difference of differences) lines.push(`    ${differenceText(difference)}`)
  }
  return `${lines.map((line) => oneLine(line, columns)).join('\n')}\n`
}

function headline({ equal, actual, missing, extra, different, changedMeanwhile }: Verification): string {
  if (equal) return 'both sides are the same'
  if (missing + extra + different > 0)
    return changedMeanwhile ? 'the sides differ, and somebody writes to them: verify once more' : 'the sides differ'
  return actual.rejected > 0
    ? 'not all of the actual side could be read'
    : 'the sides differed, but not when they were read again: somebody writes to them; verify once more'
}

function sideText({ name, rows, rejected }: VerifiedSide): string {
  return `${name}, ${counted(rows, 'row')}${rejected === 0 ? '' : `, ${counted(rejected, 'record')} rejected`}`
}

function countsText({ missing, extra, different, complete }: Verification): string {
  const text = `${grouped(missing)} missing, ${grouped(extra)} extra, ${grouped(different)} different`
  return complete ? text : `at least ${text}: more keys came into question than maxKeys lets hold`
}

function differenceText({ kind, key, fields, changedMeanwhile }: Difference): string {
  const shown = key.length === 1 ? JSON.stringify(key[0]) : JSON.stringify(key)
  const changed = changedMeanwhile === true ? ' (not so any more when it was read again)' : ''
  return `${kind.padEnd(9)} ${shown}${fields === undefined ? '' : ` in ${fields.join(', ')}`}${changed}`
}
