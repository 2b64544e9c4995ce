import type { Progress, RunEvents, Throttled } from '../contracts/events.js'
import type { Logger } from '../contracts/logger.js'
import type { Position } from '../contracts/position.js'
import type { RejectedRecord, Report, Warning } from '../contracts/report.js'
import type { Stall } from '../contracts/stall.js'
import { DroverError } from '../errors/drover-error.js'
import { redactSecrets } from '../errors/redact.js'
import type { Rejection } from './held-page.js'
import type { CommittedBatch, LaneListener } from './lane.js'
import type { Plan } from './plan.js'
import type { RejectionLimit } from './rejection-limit.js'
import type { RetryNotice } from './retry.js'
import type { RunAccount } from './run-account.js'
import { RunEmitter } from './run-emitter.js'

/** Tells what happens in a run: to its account, to who listens to its events, to its logger. */
export class RunTeller implements Omit<LaneListener, 'heldBack'> {
  readonly events: RunEmitter
  /** Handlers and logger that failed. A failure is told once: it would come back with every batch. */
  readonly #failed = new Set<string>()

  constructor(
    private readonly plan: Plan,
    private readonly account: RunAccount,
    private readonly limit: RejectionLimit,
  ) {
    this.events = new RunEmitter((event, error) => this.#failedTo(`a handler of ${event}`, event, error))
  }

  started(event: Parameters<RunEvents['run:started']>[0]): void {
    this.events.emit('run:started', event)
  }

  progress(progress: Progress): void {
    this.events.emit('run:progress', progress)
  }

  committed(batch: CommittedBatch): void {
    const { position, counts, durationMs, bytes } = batch
    const { id } = position.partition
    const after = this.account.cursorOf(id)
    this.account.add(batch)
    this.limit.committed(id)
    for (const rejection of batch.rejections) {
      const told = rejectedRecord(id, rejection)
      this.account.reject(told)
      this.events.emit('record:rejected', told)
    }
    const { sequence, cursor } = position
    this.events.emit('batch:committed', {
      partition: id,
      sequence,
      batch: counts,
      after,
      cursor,
      durationMs,
      ...(bytes === undefined ? {} : { bytes }),
    })
  }

  retried(partition: string, { attempt, waitMs, error }: RetryNotice): void {
    this.account.retries++
    const { code, message } = DroverError.from(error, 'a transient error')
    const said = redactSecrets(message)
    this.#log('warn', `${code}, trying again in ${waitMs} ms (attempt ${attempt}): ${said}`)
    this.events.emit('batch:retried', { partition, attempt, waitMs, code, message: said })
  }

  wentBack(from: Position, to: Position): void {
    this.account.place(to)
    this.warn(
      'STORE_WENT_BACK',
      `${this.plan.sink} stands at batch ${to.sequence} of partition "${from.partition.id}" again, though it had confirmed batch ${from.sequence}: it lost its last writes, as after a restart or a failover. Rows and position went back together, so these batches are written once more. Its settings for durability may want a look.`,
    )
  }

  stalled(stall: Stall): void {
    this.account.stall(stall)
    // To wait until another instance has finished is what was asked for.
    this.#log(stall.waitsFor === 'lease' ? 'info' : 'warn', stall.message)
    this.events.emit('run:stalled', stall)
  }

  paused(paused: boolean): void {
    this.events.emit(paused ? 'run:paused' : 'run:resumed', { name: this.plan.name })
  }

  throttled(now: Throttled | undefined): void {
    this.#log('info', now === undefined ? 'goes on without a rest' : `is held back: ${now.reason}`)
    this.events.emit('run:throttled', { name: this.plan.name, ...(now === undefined ? {} : { throttle: now }) })
  }

  warn(code: Warning['code'], message: string): void {
    this.account.warn({ code, message })
    this.#log('warn', message)
    this.events.emit('run:warning', { code, message })
  }

  info(message: string): void {
    this.#log('info', message)
  }

  finished(report: Report): void {
    const { status, reason, counts } = report
    const why = reason === undefined ? '' : ` (${reason})`
    const said = `${counts.read} records read, ${counts.written} written, ${counts.rejected} rejected`
    this.#log('info', status === 'nothing' ? `nothing done now${why}: ${said} then` : `${status}${why}, ${said}`)
    this.events.emit('run:finished', report)
  }

  failed(error: DroverError): void {
    this.#log('error', `${error.code}: ${redactSecrets(error.message)}`)
    this.events.emit('run:failed', { name: this.plan.name, error })
  }

  /** What failed besides, or after, that which the run rejects with. */
  alsoFailed(error: unknown): void {
    const { code, message } = DroverError.from(error, 'something else failed')
    this.#log('error', `and besides, ${code}: ${redactSecrets(message)}`)
  }

  #log(level: keyof Logger, text: string): void {
    try {
      this.plan.options.logger?.[level](`${this.plan.name}: ${text}`)
    } catch (error) {
      this.#failedTo('the logger', 'logger', error)
    }
  }

  #failedTo(who: string, key: string, error: unknown): void {
    if (this.#failed.has(key)) return
    this.#failed.add(key)
    const said = redactSecrets(error instanceof Error ? error.message : String(error))
    this.warn('HANDLER_FAILED', `${who} failed: ${said} It is told once, however often it fails.`)
  }
}

function rejectedRecord(partition: string, { key, stage, error }: Rejection): RejectedRecord {
  const { code, message } = DroverError.from(error, 'it failed')
  return { partition, key, stage, code, message: redactSecrets(message) }
}
