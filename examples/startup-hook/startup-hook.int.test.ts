import path from 'node:path'
import { createDatabase } from '@drover-internal/postgres-server'
import { describePostgres, serverUrl } from '@drover-internal/postgres-server/vitest'
import { expect, it } from 'vitest'
import { childProgram } from '../../tooling/child-program.js'
import { isRight, report } from './report.js'
import { runExample } from './run-example.js'

describePostgres('three instances that backfill at their start and serve requests', () => {
  it('lose no write and leave no row, though one is killed and one drained', { timeout: 120_000 }, async () => {
    await using database = await createDatabase(serverUrl())
    const outcome = await runExample({
      database,
      rows: 6_000,
      requestsPerSecond: 40,
      seconds: 0.2,
      warmUpMs: 0,
      disturbed: true,
      application: [childProgram(path.join(import.meta.dirname, 'application.ts'))],
      // Slow enough to be met at a third and at two thirds.
      knobs: ['--batch-size', '200', '--records-per-second', '1000'],
      say: () => {},
    })
    const told = report(outcome)
    expect(isRight(outcome), told).toBe(true)
    expect(outcome.writes.added, told).toBeGreaterThan(0)
    expect(outcome.writes.edited, told).toBeGreaterThan(0)
    expect(outcome.messages).toBeGreaterThanOrEqual(6_000 + outcome.writes.added)
    expect(outcome.latencies.map(({ phase }) => phase)).toEqual(
      expect.arrayContaining(['before', 'killed, taken over', 'drained, taken over', 'after']),
    )

    const ends = await Promise.all(outcome.instances.map(({ ended }) => ended))
    expect(ends.filter((end) => end === 'SIGKILL').length, told).toBe(1)
    expect(ends.filter((end) => end === 0).length, told).toBe(7)
    const second = outcome.instances.slice(3).map(({ said }) => ({
      isWorker: said.some(({ working }) => working === true),
      end: said.find(({ finished }) => finished !== undefined),
    }))
    // Killed, drained, and one more that finishes what is left; all others found it done, by whom does not matter.
    expect(second.filter(({ isWorker }) => isWorker).length, told).toBe(3)
    expect(second.filter(({ isWorker, end }) => isWorker && end?.status === 'stopped')).toMatchObject([
      { end: { finished: false, reason: 'the process got SIGTERM' } },
    ])
    expect(second.filter(({ end }) => end?.finished).length, told).toBe(3)
    expect(outcome.instances.flatMap(({ said }) => said.flatMap(({ error }) => error ?? []))).toEqual([])
  })
})
