import type { Progress } from '../contracts/events.js'
import type { Report } from '../contracts/report.js'
import { checkOptionNames } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { attachProgress } from '../report/progress-line.js'
import { Throttle } from '../throttle/throttle.js'
import { Attempt } from './attempt.js'
import type { LiveRun } from './live-run.js'
import type { Plan } from './plan.js'
import { RejectionLimit } from './rejection-limit.js'
import { RunAccount } from './run-account.js'
import { RunControl, type RunSettings, runSettingNames } from './run-control.js'
import type { RunEventSource } from './run-emitter.js'
import { RunTeller } from './run-teller.js'

/** A run as its caller holds it: to be watched, asked and stopped. The work is its {@link Attempt}'s. */
export class Run implements LiveRun {
  readonly #plan: Plan
  readonly #control: RunControl
  readonly #teller: RunTeller
  readonly #attempt: Attempt
  readonly #result: Promise<Report>
  #isAwaited = false

  constructor(plan: Plan) {
    this.#plan = plan
    const { name, options } = plan
    const account = new RunAccount(plan)
    const limit = new RejectionLimit(name, options.maxRejected ?? 0, () => account.counts.rejected)
    const teller = new RunTeller(plan, account, limit)
    const settings = {
      concurrency: plan.parallel,
      ...(options.batchSize === undefined ? {} : { batchSize: options.batchSize }),
      ...(options.recordsPerSecond === undefined ? {} : { recordsPerSecond: options.recordsPerSecond }),
    }
    this.#teller = teller
    const throttle = new Throttle(
      options,
      {
        throttled: (now) => teller.throttled(now),
        signalFailed: (message) => teller.warn('SIGNAL_FAILED', message),
      },
      name,
    )
    this.#control = new RunControl(
      settings,
      options.stopAfter,
      {
        paused: (paused) => teller.paused(paused),
        ignored: (message) => teller.warn('CONTROL_IGNORED', message),
      },
      throttle,
    )
    this.#attempt = new Attempt({ plan, control: this.#control, account, limit, teller })
    // Begins in a later turn, so that the caller can listen first.
    this.#result = Promise.resolve().then(() => this.#runToEnd())
  }

  get events(): RunEventSource {
    return this.#teller.events
  }

  get result(): Promise<Report> {
    this.#isAwaited = true
    return this.#result
  }

  pause(): void {
    this.#control.pause()
  }

  resume(): void {
    this.#control.resume()
  }

  stop(reason = 'stop() was called'): Promise<Report> {
    this.#control.stop(reason)
    return this.result
  }

  update(settings: RunSettings): void {
    checkOptionNames('update', settings, runSettingNames)
    this.#control.update(settings)
  }

  status(): Progress | undefined {
    return this.#attempt.progress()
  }

  /** `await using` takes hold of it where the scope begins: from there on a failure is thrown at its end, and not before, out of nowhere. */
  get [Symbol.asyncDispose](): () => Promise<void> {
    this.#result.catch(() => {})
    return async () => {
      this.#control.stop('its scope ended')
      // Who asked for the result hears of its failure there; thrown here too, `await using` would make a SuppressedError of both.
      await (this.#isAwaited ? this.#result.catch(() => {}) : this.#result)
    }
  }

  async #runToEnd(): Promise<Report> {
    const { name, options } = this.#plan
    const unhook = this.#hookSignals()
    const detach = options.progress
      ? attachProgress(this.events, options.progress === true ? process.stderr : options.progress)
      : undefined
    try {
      const report = await this.#attempt.run()
      this.#teller.finished(report)
      return report
    } catch (cause) {
      const error = DroverError.from(cause, `${name} failed`)
      this.#teller.failed(error)
      throw error
    } finally {
      unhook()
      detach?.()
    }
  }

  /** Stops on the caller's signal, and on SIGINT and SIGTERM if asked; a second one does what it always does. */
  #hookSignals(): () => void {
    const { signal, stopOnSignals } = this.#plan.options
    const onAbort = (): void => this.#control.stop('its signal was aborted')
    if (signal?.aborted === true) onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    const onSignal = (name: NodeJS.Signals): void => {
      unhook()
      this.#control.stop(`the process got ${name}`)
    }
    const unhook = (): void => {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    }
    if (stopOnSignals === true) {
      process.on('SIGINT', onSignal)
      process.on('SIGTERM', onSignal)
    }
    return () => {
      signal?.removeEventListener('abort', onAbort)
      unhook()
    }
  }
}
