import { DroverError } from '@drover/core'
import { type Exclusive, isKill, Life } from './life.js'

/** What is to hold whenever a process ends, wherever it ends. */
export interface Trial extends AsyncDisposable {
  /** Works in one life until it is complete, or the life is over. */
  live(life: Life): Promise<void>
  /** What is wrong once it is complete, one line each. */
  verify(): Promise<readonly string[]>
}

export interface EveryStepOptions {
  readonly create: () => Promise<Trial>
  /** Take each so many-th step only, beginning with another one each time: in the end all are taken. @default 1 */
  readonly stride?: number | undefined
  /** Take every step as the place where a life falls asleep too, is taken over, and wakes up. @default true */
  readonly zombies?: boolean | undefined
  /** Who sleeps during such a call would keep its heirs off. @default nobody is kept off */
  readonly exclusive?: Exclusive | undefined
}

/** What was tried. */
export interface KillModelReport {
  /** Trials, each from empty stores to the verified end. */
  readonly trials: number
  readonly kills: number
  /** Trials in which a sleeper was taken over. */
  readonly zombies: number
  /** Trials in which one call failed with a transient error. */
  readonly stumbles: number
  /** Calls that are not tried again: the run ends, and the next one goes on. */
  readonly stumblesNotOvercome: readonly string[]
}

/** Lives of one trial that are killed after the first. */
const furtherKills = 2
const mostLives = 50

/** Kills at every step, in the following lives too, and verifies each time. @throws `CONTRACT_BROKEN` */
export async function killAtEveryStep(options: EveryStepOptions): Promise<KillModelReport> {
  const { stride = 1, zombies = true } = options
  const first = 1 + Math.floor(Math.random() * stride)
  let kills = 0
  let trials = 0
  for (let step = first; ; step += stride) {
    const killed = await killAt(step, options.create)
    trials++
    kills += killed
    if (killed === 0) break
  }
  const slept = zombies ? await sleepAtEveryStep(options, first, stride) : 0
  const stumbled = await stumbleAtEveryStep(options.create, first, stride)
  const ended = new Set(stumbled.filter(({ overcome }) => !overcome).map(({ label }) => label))
  return {
    trials: trials + slept + stumbled.length,
    kills,
    zombies: slept,
    stumbles: stumbled.length,
    stumblesNotOvercome: [...ended].sort(),
  }
}

/** The step at which the first life ends is given; the next ones end anywhere, and the last one lives on. */
function lifeTime(step: number, before: number): number {
  if (before === 0) return step
  return before <= furtherKills ? 5 + ((step * 7 + before * 13) % 60) : Number.POSITIVE_INFINITY
}

/** The number of lives that were killed. */
async function killAt(step: number, create: () => Promise<Trial>): Promise<number> {
  const trial = await create()
  const lives: Life[] = []
  const ends: string[] = []
  try {
    for (;;) {
      const life = new Life({ killAt: lifeTime(step, lives.length) })
      lives.push(life)
      if (lives.length > mostLives) throw broken(`it makes no progress after ${ends.join(', ')}`)
      try {
        await trial.live(life)
      } catch (error) {
        if (!isKill(error))
          throw failed(`after it was killed ${ends.join(', then ') || 'nowhere yet'}, it failed`, error)
      }
      if (life.endedAt === undefined) break
      ends.push(life.endedAt)
    }
    for (const life of lives) await life.close()
    const wrong = await trial.verify()
    if (wrong.length > 0) throw broken(`killed at step ${step} (${ends.join(', then ')}):\n${wrong.join('\n')}`)
    return ends.length
  } finally {
    for (const life of lives) await life.close()
    await trial[Symbol.asyncDispose]()
  }
}

async function sleepAtEveryStep(
  { create, exclusive }: EveryStepOptions,
  first: number,
  stride: number,
): Promise<number> {
  for (let step = first, slept = 0; ; step += stride) {
    const trial = await create()
    const sleeper = new Life({ sleepAt: step, notDuring: exclusive })
    const heir = new Life()
    try {
      const outcome = trial.live(sleeper).then(
        () => undefined,
        (error: unknown) => error ?? new Error('nothing'),
      )
      const label = await Promise.race([sleeper.asleep, outcome.then(() => undefined)])
      if (label === undefined) {
        const error = await outcome
        if (error !== undefined) throw failed('nobody was killed, and it failed', error)
        // It ran to its end without falling asleep: the steps are used up, or this one is not slept at.
        if (sleeper.steps < step) return slept
        continue
      }
      slept++
      await trial.live(heir).catch((error: unknown) => {
        throw failed(`it took over from one who slept ${label}, and failed`, error)
      })
      sleeper.wake()
      const error = await outcome
      if (error !== undefined && !DroverError.isInstance(error))
        throw failed(`one who slept ${label} was taken over, and failed`, error)
      await sleeper.close()
      await heir.close()
      const wrong = await trial.verify()
      if (wrong.length > 0)
        throw broken(`one who slept ${label} (step ${step}) was taken over and woke up:\n${wrong.join('\n')}`)
    } finally {
      sleeper.wake()
      await sleeper.close()
      await heir.close()
      await trial[Symbol.asyncDispose]()
    }
  }
}

/** So many at once: they mostly wait until they may try again. */
const together = 8

/** Whatever fails once is tried again, and neither lost nor done twice, also where it was done before it failed. */
async function stumbleAtEveryStep(create: () => Promise<Trial>, first: number, stride: number): Promise<Stumble[]> {
  const stumbles: Stumble[] = []
  for (let step = first; ; step += stride * together) {
    const steps = Array.from({ length: together }, (_, i) => step + i * stride)
    const results = await Promise.all(steps.map((one) => stumbleAt(one, create)))
    for (const stumble of results) if (stumble !== undefined) stumbles.push(stumble)
    if (results.includes(undefined)) return stumbles
  }
}

interface Stumble {
  readonly label: string
  /** The same life went on. */
  readonly overcome: boolean
}

/** Undefined if there was no such step. */
async function stumbleAt(step: number, create: () => Promise<Trial>): Promise<Stumble | undefined> {
  const trial = await create()
  const life = new Life({ stumbleAt: step })
  const heir = new Life()
  let overcome = true
  try {
    try {
      await trial.live(life)
    } catch (error) {
      const label = life.stumbledAt ?? 'nowhere'
      if (!DroverError.isInstance(error, 'STORE_UNAVAILABLE'))
        throw failed(`a call failed for once ${label}, and the run with another error`, error)
      overcome = false
      await trial.live(heir).catch((second: unknown) => {
        throw failed(`a call failed for once ${label}, and the next run failed`, second)
      })
    }
    await life.close()
    await heir.close()
    const wrong = await trial.verify()
    if (wrong.length > 0) throw broken(`a call failed for once ${life.stumbledAt} (step ${step}):\n${wrong.join('\n')}`)
    return life.stumbledAt === undefined ? undefined : { label: life.stumbledAt, overcome }
  } finally {
    await life.close()
    await heir.close()
    await trial[Symbol.asyncDispose]()
  }
}

function broken(said: string): DroverError {
  return new DroverError('CONTRACT_BROKEN', `kill model: ${said}`)
}

function failed(said: string, error: unknown): DroverError {
  const { message } = error instanceof Error ? error : { message: String(error) }
  return new DroverError('CONTRACT_BROKEN', `kill model: ${said}: ${message}`, { cause: error })
}
