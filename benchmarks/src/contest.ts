import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'

/** Something that is timed: a whole process from start to end. */
export interface Contender {
  readonly name: string
  readonly command: readonly [program: string, ...args: string[]]
  /** What the command reads from its standard input. */
  readonly input?: string
  /** Ratio to the first contender that is aimed at. */
  readonly goal?: number
  /** The ratio is to this contender, not the first; of several, to the one that was slower. */
  readonly against?: string | readonly string[]
  /** More that is aimed at, against others than the first. */
  readonly goals?: readonly Goal[]
  /** Peak memory that is aimed at, in MB. */
  readonly peakGoal?: number
  /** Counted runs, if fewer than asked for: for what takes minutes. */
  readonly rounds?: number
}

export interface Goal {
  /** The other contender. */
  readonly against: string
  /** The ratio at the most. */
  readonly atMost: number
  /** Of what. @default 'seconds' */
  readonly of?: 'seconds' | 'size' | 'peak'
}

export interface Contest {
  readonly name: string
  readonly title: string
  readonly contenders: readonly Contender[]
  /** Puts everything back before each run. */
  readonly reset?: (contender: Contender) => Promise<void>
  /** Says what is wrong with what a run made; undefined if nothing is. */
  readonly check?: (contender: Contender) => Promise<string | undefined>
  /** How large what a run made is, in bytes; undefined of one that makes nothing. */
  readonly size?: (contender: Contender) => Promise<number | undefined>
}

export interface Result {
  readonly name: string
  readonly ratio: number
  readonly goal?: number
  readonly goals: readonly (Required<Goal> & { readonly ratio: number })[]
  readonly peakGoal?: number
  readonly seconds: { readonly min: number; readonly median: number; readonly max: number }
  readonly peakMb: number
  readonly sizeMb?: number
}

interface Run {
  readonly seconds: number
  readonly peakMb: number
  readonly size: number | undefined
}

/**
 * Runs the contenders in turn, round after round, after a first round that does not count: a machine that slows down slows
 * all of them. Ratios are medians of the ratios of one round.
 */
export async function contest({ title, contenders, reset, check, size }: Contest, rounds: number): Promise<Result[]> {
  const runs = new Map<string, Run[]>(contenders.map(({ name }) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const contender of contenders) {
      if (round > (contender.rounds ?? rounds)) continue
      await reset?.(contender)
      const timing = await timed(contender)
      const wrong = await check?.(contender)
      if (wrong !== undefined) throw new Error(`${title}, ${contender.name}: ${wrong}`)
      const run = { ...timing, size: await size?.(contender) }
      if (round > 0 || contender.rounds !== undefined) runs.get(contender.name)?.push(run)
    }
  }
  const runsOf = (name: string): readonly Run[] => {
    const found = runs.get(name)
    if (found === undefined || found.length === 0) throw new Error(`${title}: ${name} did not run.`)
    return found
  }
  const ratio = (name: string, against: string | readonly string[], of: (run: Run) => number): number => {
    const bases = [against].flat().map(runsOf)
    const base = (round: number): number =>
      Math.max(...bases.map((base) => of(base[Math.min(round, base.length - 1)] as Run)))
    return median(runsOf(name).map((run, round) => of(run) / base(round)))
  }
  return contenders.map(({ name, goal, against, goals = [], peakGoal }) => {
    const own = runsOf(name)
    const seconds = own.map((run) => run.seconds).sort((a, b) => a - b)
    const sizeMb = own[0]?.size === undefined ? {} : { sizeMb: median(own.map(sizeOf)) / 1e6 }
    return {
      name,
      ratio: ratio(name, against ?? (contenders[0] as Contender).name, secondsOf),
      ...(goal === undefined ? {} : { goal }),
      goals: goals.map(({ against, atMost, of = 'seconds' }) => ({
        against,
        atMost,
        of,
        ratio: ratio(name, against, measures[of]),
      })),
      ...(peakGoal === undefined ? {} : { peakGoal }),
      seconds: { min: seconds[0] as number, median: median(seconds), max: seconds.at(-1) as number },
      peakMb: median(own.map((run) => run.peakMb)),
      ...sizeMb,
    }
  })
}

const secondsOf = ({ seconds }: Run): number => seconds
const sizeOf = ({ size = Number.NaN }: Run): number => size
const measures = { seconds: secondsOf, size: sizeOf, peak: ({ peakMb }: Run): number => peakMb }

async function timed({ name, command, input }: Contender): Promise<Omit<Run, 'size'>> {
  const [program, ...args] = command
  const begun = performance.now()
  const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (data: Buffer) => {
    said += data.toString()
  })
  child.stdin.end(input ?? '')
  let peakKb = 0
  const watch = setInterval(() => {
    void peakOf(Number(child.pid)).then((kb) => {
      peakKb = Math.max(peakKb, kb)
    })
  }, 20)
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', resolve)
    })
    const seconds = (performance.now() - begun) / 1000
    if (code !== 0) throw new Error(`${name} ended with ${code}: ${said.slice(0, 2000)}`)
    return { seconds, peakMb: peakKb / 1024 }
  } finally {
    clearInterval(watch)
  }
}

/**
 * The peak of a process and of those it started that still run, as a pipe is several: the kernel's own high-water marks. What
 * one needs in its last moment may be missed; that is the price of asking from outside.
 */
async function peakOf(pid: number): Promise<number> {
  try {
    const [status, children] = await Promise.all([
      readFile(`/proc/${pid}/status`, 'utf8'),
      readFile(`/proc/${pid}/task/${pid}/children`, 'utf8'),
    ])
    const below = await Promise.all(children.split(' ').filter(Boolean).map(Number).map(peakOf))
    return below.reduce((sum, kb) => sum + kb, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0))
  } catch {
    return 0 // it has ended
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}
