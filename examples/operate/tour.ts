import { setTimeout as wait } from 'node:timers/promises'
import type { DryRunReport, Report, RunOverview, Verification } from '@drover/core'
import { formatDryRun, formatReport, formatVerification } from '@drover/core'

export interface TourOptions {
  /** Of the application. */
  readonly url: string
  /** Puts the mended step in place. */
  readonly mend: () => void
  readonly say: (text: string) => void
}

export interface TourOutcome {
  readonly dryRun: DryRunReport
  readonly paused: RunOverview
  /** After it had been paused for a while. */
  readonly stillPaused: RunOverview
  /** Answer to a request that cannot be done. */
  readonly refused: { readonly status: number; readonly message: string }
  readonly tokens: Report
  readonly undone: Report
  readonly notes: Report
  readonly before: Verification
  readonly replayed: Report
  readonly after: Verification
}

/** What an operator does on some evening, over HTTP and nothing else. */
export async function tour({ url, mend, say }: TourOptions): Promise<TourOutcome> {
  const ask = async <T>(method: string, path: string, body?: string): Promise<T> => {
    const response = await fetch(`${url}${path}`, { method, ...(body === undefined ? {} : { body }) })
    const answer = (await response.json()) as T & { message?: string }
    if (response.ok) return revived(answer)
    throw Object.assign(new Error(`${method} ${path}: ${response.status} ${answer.message}`), {
      status: response.status,
    })
  }
  const until = async <T>(path: string, isSo: (answer: T) => boolean): Promise<T> => {
    for (;;) {
      const answer = await ask<T>('GET', path)
      if (isSo(answer)) return answer
      await wait(50)
    }
  }
  const ended = async (path: string): Promise<Report> =>
    (await until<{ live: boolean; ended: Report }>(path, ({ live }) => !live)).ended

  say('GET /jobs/tokens/dry-run')
  const dryRun = await ask<DryRunReport>('GET', '/jobs/tokens/dry-run')
  say(formatDryRun(dryRun))

  say('POST /jobs/tokens, a thousand records per second, then paused')
  await ask('POST', '/jobs/tokens', JSON.stringify({ recordsPerSecond: 1_000 }))
  await until<RunOverview[]>('/runs', (runs) => runs.some(({ name }) => name === 'tokens'))
  await ask('POST', '/runs/tokens/pause', 'the evening news')
  const paused = await until<RunOverview>('/runs/tokens', ({ activity }) => activity === 'paused')
  say(paused.message)
  await wait(500)
  const stillPaused = await ask<RunOverview>('GET', '/runs/tokens')

  say('POST /runs/tokens/resume, as fast as it gets; the application edits a message meanwhile')
  await ask('PATCH', '/runs/tokens', JSON.stringify({ recordsPerSecond: 0, batchSize: 1_000 }))
  await ask('POST', '/runs/tokens/resume')
  const tokens = await ended('/jobs/tokens')
  say(formatReport(tokens))
  const refused = await ask<never>('POST', '/runs/tokens/pause').catch(
    (error: { status: number; message: string }) => error,
  )
  say(`POST /runs/tokens/pause: ${refused.message}`)

  say('PUT /messages/7, then POST /jobs/tokens/undo')
  await ask('PUT', '/messages/7', 'changed since')
  await ask('POST', '/jobs/tokens/undo')
  const undone = await ended('/jobs/tokens/undo')
  say(formatReport(undone))

  say('POST /jobs/notes: some records are rejected; GET /jobs/notes/verify names them')
  await ask('POST', '/jobs/notes')
  const notes = await ended('/jobs/notes')
  say(formatReport(notes))
  mend()
  const before = await ask<Verification>('GET', '/jobs/notes/verify')
  say(formatVerification(before))

  say('The step is mended: POST /jobs/notes/replay')
  await ask('POST', '/jobs/notes/replay')
  const replayed = await ended('/jobs/notes/replay')
  say(formatReport(replayed))
  const after = await ask<Verification>('GET', '/jobs/notes/verify')
  say(formatVerification(after))
  return { dryRun, paused, stillPaused, refused, tokens, undone, notes, before, replayed, after }
}

const dates = new Set(['startedAt', 'finishedAt', 'completedAt', 'expiresAt'])

/** JSON has no dates. */
function revived<T>(value: T): T {
  return JSON.parse(JSON.stringify(value), (name, inner) =>
    dates.has(name) && typeof inner === 'string' ? new Date(inner) : inner,
  )
}
