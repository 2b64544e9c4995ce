import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DroverError } from '@drover/core'
import { seededRandom } from '../support/random.js'
import { Child } from './child.js'
import type { CrashPair } from './crash-pair.js'
import { type Landed, Timing } from './timing.js'

export interface CrashOptions {
  /** A JavaScript module that exports `pairs`, a record of {@link CrashPair}s; it is imported here, and in every child process. */
  readonly worker: URL
  /** Which of them. */
  readonly pair: string
  /**
   * Kill so many times, and overtake one sleeper if any sleep; what is left of the trial in hand then, nobody disturbs. With
   * rivals it may be more. @default 50, or no limit if `seconds` is given
   */
  readonly kills?: number
  /** Or go on so long, in seconds. */
  readonly seconds?: number
  /** Decides the records and the moments of the kills. Moments depend on the machine too. @default random */
  readonly seed?: number
  /** Processes that work on the run side by side, all of which may be killed. @default 1 */
  readonly rivals?: number
  /**
   * Half of the rivals are not killed but fall asleep (SIGSTOP), mostly for longer than a lease of so many milliseconds, and
   * wake up (SIGCONT) where another one may have taken over. @default nobody sleeps
   */
  readonly leaseMs?: number
  /** Longer no process may take, in milliseconds. @default 60000 */
  readonly timeoutMs?: number
  /** Where the trials take place. @default the system's temporary directory */
  readonly directory?: string
}

/** What was tried. */
export interface CrashReport {
  readonly pair: string
  readonly seed: number
  /** Runs from an empty sink to a verified end. */
  readonly trials: number
  readonly kills: number
  /** Where the kills landed: before the first batch of a life, between batches, and after the last one of the run. */
  readonly landed: Landed
  /** Processes that gave way to another one. */
  readonly held: number
  /** Processes that fell asleep, and those of them that were refused when they woke up. */
  readonly slept: number
  readonly overtaken: number
  /** How long it took. */
  readonly seconds: number
}

const mostLives = 200
/** So many trials without a sleeper who is overtaken are no chance any more. */
const mostDrowsy = 50
/** A sleep lasts up to so many leases: some wake up before anybody noticed, most do not. */
const longestSleep = 3
/** What a process says that gave way to another one; the others only if it slept, or had so little time that its lease ran out. */
const gaveWay = ['RUN_HELD', 'LEASE_LOST', 'FENCED']

/**
 * Runs a pair in real processes, kills them with SIGKILL at random moments, starts them again until the run completes, and
 * compares source and sink record by record. Then anew, until there were enough kills.
 *
 * @throws `CONTRACT_BROKEN` with the seed, what differs, and the directory, which is left as it is.
 *
 * @example
 * const report = await crashHarness({ worker: new URL('./worker.js', import.meta.url), pair: 'mine', kills: 50 })
 */
export async function crashHarness(options: CrashOptions): Promise<CrashReport> {
  const { worker, pair: name, seed = Math.floor(Math.random() * 2 ** 31) } = options
  if (options.leaseMs !== undefined && (options.rivals ?? 1) < 2) {
    throw new DroverError(
      'OPTION_INVALID',
      'crashHarness: leaseMs needs rivals: nobody would take over from a sleeper.',
    )
  }
  const { pairs } = (await import(worker.href)) as { readonly pairs: Readonly<Record<string, CrashPair>> }
  const pair = pairs[name]
  if (pair === undefined) {
    throw new DroverError(
      'NAME_UNKNOWN',
      `crashHarness: ${worker.href} has no pair "${name}"; it has ${Object.keys(pairs).join(', ')}.`,
    )
  }
  const home = await mkdtemp(
    join(options.directory ?? tmpdir(), `drover-crash-${name.replaceAll(/[^a-z0-9]+/gi, '-')}-`),
  )
  const harness = new CrashHarness(options, pair, home, seed)
  const report = await harness.run()
  await rm(home, { recursive: true, force: true })
  return report
}

class CrashHarness {
  readonly #random: () => number
  readonly #timing: Timing
  #trials = 0
  #kills = 0
  #held = 0
  #slept = 0
  #overtaken = 0

  constructor(
    private readonly options: CrashOptions,
    private readonly pair: CrashPair,
    private readonly home: string,
    private readonly seed: number,
  ) {
    this.#random = seededRandom(seed)
    this.#timing = new Timing(this.#random)
  }

  async run(): Promise<CrashReport> {
    const begun = performance.now()
    const { seconds, rivals = 1 } = this.options
    const until = seconds === undefined ? Number.POSITIVE_INFINITY : begun + seconds * 1_000
    await mkdir(this.#template)
    await this.#guarded('prepare', () => this.pair.prepare(this.#template, this.#random))
    await this.#trial((directory) => this.#undisturbed(directory))
    do {
      await this.#trial((directory) => (rivals > 1 ? this.#contested(directory, rivals) : this.#killed(directory)))
      this.#trials++
    } while (!this.#isEnough() && performance.now() < until)
    return {
      pair: this.options.pair,
      seed: this.seed,
      trials: this.#trials,
      kills: this.#kills,
      landed: this.#timing.landed,
      held: this.#held,
      slept: this.#slept,
      overtaken: this.#overtaken,
      seconds: (performance.now() - begun) / 1_000,
    }
  }

  /** Of those who sleep, one has to be overtaken: without that nothing was tried. */
  #isEnough(): boolean {
    const { leaseMs, seconds, kills = seconds === undefined ? 50 : Number.POSITIVE_INFINITY } = this.options
    return this.#kills >= kills && (leaseMs === undefined || this.#overtaken > 0 || this.#trials >= mostDrowsy)
  }

  get #template(): string {
    return join(this.home, 'template')
  }

  /** Works in a copy of what was prepared until the run has completed, then compares. */
  async #trial(work: (directory: string) => Promise<void>): Promise<void> {
    const directory = join(this.home, `trial-${this.#trials}`)
    await cp(this.#template, directory, { recursive: true })
    const begun = await this.#guarded('begin', async () => await this.pair.begin?.(directory))
    await this.#guarded('run', () => work(directory))
    const found = await this.#guarded('compare', () => this.pair.compare(directory))
    if (found.length > 0) throw this.#broken(found.join('\n'))
    await begun?.[Symbol.asyncDispose]()
    await rm(directory, { recursive: true, force: true })
  }

  /** Says how long it takes, and that without a kill all is well. */
  async #undisturbed(directory: string): Promise<void> {
    const child = this.#start(directory)
    this.#completed(await child.ended)
    this.#timing.measure(child)
    // Once more: whoever comes late finds that there is nothing to do.
    this.#completed(await this.#start(directory).ended)
  }

  async #killed(directory: string): Promise<void> {
    this.#timing.beginTrial()
    for (let lives = 0; lives < mostLives; lives++) {
      const child = this.#start(directory)
      const end = this.#isEnough() ? await child.ended : await child.killAt(this.#timing.moment())
      if (end.kind === 'killed') {
        this.#kills++
        this.#timing.land(child)
        continue
      }
      return this.#completed(end)
    }
    throw this.#broken(`it makes no progress: ${mostLives} processes were killed`)
  }

  /** Several processes at once; each is killed, sleeps or gives way, until one completes the run and the others see that. */
  async #contested(directory: string, rivals: number): Promise<void> {
    this.#timing.beginTrial()
    let completed = false
    let lives = 0
    const rival = async (): Promise<void> => {
      while (!completed && lives < mostLives) {
        const child = this.#start(directory, this.#random() < 0.5 ? 'fail' : 'wait', this.options.leaseMs)
        const end = await this.#strike(child)
        if (end.kind === 'killed') {
          lives++
          this.#kills++
          this.#timing.land(child)
        } else if (end.kind === 'failed' && this.#gaveWay(end.code)) {
          this.#held++
          if (child.slept) this.#overtaken++
          this.#timing.pass(child)
        } else {
          this.#completed(end)
          completed = true
        }
      }
    }
    await Promise.all(Array.from({ length: rivals }, rival))
    if (!completed) throw this.#broken(`it makes no progress: ${lives} processes were killed or gave way`)
  }

  async #strike(child: Child): Promise<Awaited<Child['ended']>> {
    const { leaseMs } = this.options
    const moment = this.#timing.moment()
    if (leaseMs === undefined || this.#random() < 0.5) return await child.killAt(moment)
    const end = await child.sleepAt(moment, this.#random() * longestSleep * leaseMs)
    if (child.slept) this.#slept++
    return end
  }

  #gaveWay(code: string): boolean {
    return gaveWay.slice(0, this.options.leaseMs === undefined ? 1 : gaveWay.length).includes(code)
  }

  /** @param leaseMs For those who have rivals: on a busy machine a short lease may run out under somebody who is alone. */
  #start(directory: string, whenHeld: 'fail' | 'wait' = 'fail', leaseMs?: number): Child {
    const { worker, pair, timeoutMs = 60_000 } = this.options
    return new Child({ worker, pair, directory, whenHeld, leaseMs, timeoutMs, chance: this.#random() })
  }

  #completed(end: Awaited<Child['ended']>): void {
    if (end.kind === 'failed') throw this.#broken(`it failed after ${this.#kills} kills with ${end.code}: ${end.said}`)
  }

  async #guarded<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (DroverError.isInstance(error) && error.message.includes(`seed ${this.seed}`)) throw error
      throw this.#broken(`${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`, error)
    }
  }

  #broken(said: string, cause?: unknown): DroverError {
    const where = `${this.options.pair}, seed ${this.seed}, trial ${this.#trials} in ${this.home}`
    return new DroverError(
      'CONTRACT_BROKEN',
      `crash harness (${where}):\n${said}`,
      cause === undefined ? {} : { cause },
    )
  }
}
