import { type Report, runPipeline, type Verification, verify } from '@drover/core'
import { backfillContextFields } from '@drover-examples/backfill-context-fields'
import { backfillMessageTokens } from '@drover-examples/backfill-message-tokens'
import { makeAgentDatabase } from '@drover-internal/agent-database'
import { type Commanded, copyByCommand } from './commanded-copy.js'
import { arrivedIn, copyTo, movedMessages, placesIn, type Target, targets } from './copies.js'
import { copyAndKill } from './killed-copy.js'
import { tamper } from './tamper.js'

export interface DemoOptions {
  /** An empty folder. */
  readonly folder: string
  readonly messages: number
  readonly seed: number
  /** Change a record of each copy before the comparison. */
  readonly tampered: boolean
  /** What is done next. */
  readonly say: (text: string) => void
  /** Takes what the command prints. */
  readonly show: (line: string) => void
}

/** A copy that was killed on its way, and what it came to. */
export interface Copied {
  readonly target: Target
  /** Records that were committed when the first process was killed. */
  readonly killedAt: number
  readonly report: Report
  readonly verification: Verification
}

export interface DemoOutcome {
  readonly messages: number
  readonly calls: number
  readonly backfills: readonly Report[]
  readonly copies: readonly Copied[]
  readonly commanded: Commanded
}

/** Makes a database, backfills it, copies it twice with a killed process each and once by an interrupted command, and compares. */
export async function runDemo({ folder, messages, seed, tampered, say, show }: DemoOptions): Promise<DemoOutcome> {
  const places = placesIn(folder)
  const filename = places.database
  const progress = process.stdout

  say(`Making a database of ${messages} messages`)
  const { calls } = await makeAgentDatabase({ filename, messages, seed })

  say('Backfilling token counts, then context fields')
  const tokens = await backfillMessageTokens({ database: filename, progress })
  const context = await backfillContextFields({ database: filename, progress })

  const copies: Copied[] = []
  for (const target of targets) {
    say(`Copying the messages to a ${target}, in a process that is killed on the way`)
    const killedAt = await copyAndKill(target, folder, Math.floor(messages * 0.3))
    say(`Killed by SIGKILL at ${killedAt.toLocaleString('en-US')} records or a little later; the same call again`)
    const report = await runPipeline({ ...copyTo(target, places), progress })
    if (tampered) await tamper(target, places)
    say('Comparing record by record')
    const verification = await verify({
      expected: movedMessages(places),
      actual: arrivedIn(target, places),
      key: 'id',
      runStartedAt: report.startedAt,
    })
    copies.push({ target, killedAt, report, verification })
  }
  const commanded = await copyByCommand({ places, messages, tampered, say, show })
  return { messages, calls, backfills: [tokens, context], copies, commanded }
}

/** Whether everything arrived as it left, and every run accounts for all records. */
export function isRight({ backfills, copies, commanded }: DemoOutcome): boolean {
  const reports = [...backfills, ...copies.map(({ report }) => report)]
  return (
    reports.every(({ status, counts }) => {
      const { read, written, filtered, rejected, emitted, inserted, updated, skipped } = counts
      return (
        status === 'completed' &&
        read === written + filtered + rejected &&
        emitted === inserted + updated + skipped &&
        rejected === 0
      )
    }) &&
    copies.every(({ report, verification }) => report.attempt.resumed && verification.equal) &&
    commanded.interrupted === 130 &&
    commanded.resumed === 0 &&
    commanded.verified === 0
  )
}
