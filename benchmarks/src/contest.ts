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
  /** The ratio is to this contender, not the first. */
  readonly against?: string
  /** Counted runs, if fewer than asked for: for what takes minutes. */
  readonly rounds?: number
}

export interface Contest {
  readonly name: string
  readonly title: string
  readonly contenders: readonly Contender[]
  /** Puts everything back before each run. */
  readonly reset?: (contender: Contender) => Promise<void>
  /** Says what is wrong with what a run made; undefined if nothing is. */
  readonly check?: (contender: Contender) => Promise<string | undefined>
}

export interface Result {
  readonly name: string
  readonly ratio: number
  readonly goal?: number
  readonly seconds: { readonly min: number; readonly median: number; readonly max: number }
  readonly peakMb: number
}

interface Run {
  readonly seconds: number
  readonly peakMb: number
}

/**
 * Runs the contenders in turn, round after round, after a first round that does not count: a machine that slows down slows
 * all of them. Ratios are medians of the ratios of one round.
 */
export async function contest({ title, contenders, reset, check }: Contest, rounds: number): Promise<Result[]> {
  const runs = new Map<string, Run[]>(contenders.map(({ name }) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const contender of contenders) {
      if (round > (contender.rounds ?? rounds)) continue
      await reset?.(contender)
      const run = await timed(contender)
      const wrong = await check?.(contender)
      if (wrong !== undefined) throw new Error(`${title}, ${contender.name}: ${wrong}`)
      if (round > 0 || contender.rounds !== undefined) runs.get(contender.name)?.push(run)
    }
  }
  return contenders.map(({ name, goal, against }) => {
    const own = runs.get(name) ?? []
    const base = runs.get(against ?? (contenders[0] as Contender).name) ?? []
    const ratios = own.map((run, round) => run.seconds / (base[Math.min(round, base.length - 1)] as Run).seconds)
    const seconds = own.map((run) => run.seconds).sort((a, b) => a - b)
    return {
      name,
      ratio: median(ratios),
      ...(goal === undefined ? {} : { goal }),
      seconds: { min: seconds[0] as number, median: median(seconds), max: seconds.at(-1) as number },
      peakMb: median(own.map((run) => run.peakMb)),
    }
  })
}

async function timed({ name, command, input }: Contender): Promise<Run> {
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
    // The kernel's own high-water mark; a missed last moment is the price of asking from outside.
    readFile(`/proc/${child.pid}/status`, 'utf8').then(
      (status) => {
        peakKb = Math.max(peakKb, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0))
      },
      () => {}, // it has ended
    )
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

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}
