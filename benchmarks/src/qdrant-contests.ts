import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Contender, Contest } from './contest.js'
import { qdrant } from './drover.js'
import type { QdrantBench } from './qdrant-bench.js'

export const qdrantNames = ['qdrant-upsert', 'qdrant-scroll', 'qdrant-memory'] as const

const run = promisify(execFile)

/** Points of the contests of speed, whatever `--rows` says: the goals were set with as many. */
const count = 40_000
const few = 2_000

/** Qdrant's client side alone: the server is no Qdrant. In the order they are printed. */
export function qdrantContests(server: QdrantBench): Contest[] {
  return [upsert, scroll, memory].map((contest) => contest(server))
}

function upsert(server: QdrantBench): Contest {
  const { url, file, dimensions } = server
  const options = { url, file, dimensions, count }
  return {
    name: 'qdrant-upsert',
    title: `${count} vectors of ${dimensions} float32 → a server that only reads`,
    contenders: [
      qdrant('upsert of @qdrant/js-client-rest', 'client-upsert', options),
      qdrant('a run into qdrantSink', 'sink', options, { goal: 1 / 3.5 }),
    ],
    check: once(async (contender) => {
      await runSmall(contender, { ...options, count: few, collection: 'verified' })
      const { points, wrong } = await server.verified()
      return points === few && wrong === 0 ? undefined : `${wrong} of ${points} points are not what was given`
    }),
  }
}

function scroll({ url, file, dimensions }: QdrantBench): Contest {
  const options = { url, file, dimensions, count }
  return {
    name: 'qdrant-scroll',
    title: `${count} vectors of ${dimensions} float32 ← a server that only sends`,
    contenders: [
      qdrant('scroll of @qdrant/js-client-rest', 'client-scroll', options),
      qdrant('qdrantSource, every record decoded', 'source', options, { goal: 1 / 1.5 }),
      qdrant('the same, pages of 1 MiB', 'source', { ...options, bytes: 1 << 20 }, { goal: 1 / 1.5 }),
    ],
    check: once(async (contender) => {
      await runSmall(contender, { ...options, count: few, isVerified: true })
      return undefined
    }),
  }
}

function memory({ url, file, dimensions }: QdrantBench): Contest {
  const contender = (task: string, points: number, against?: string): Contender =>
    qdrant(
      `${task}, ${points} points`,
      task,
      { url, file, dimensions, count: points },
      { rounds: 1, ...(against === undefined ? {} : { goals: [{ against, atMost: 1.15, of: 'peak' as const }] }) },
    )
  return {
    name: 'qdrant-memory',
    title: `Peak memory by the number of vectors of ${dimensions} float32`,
    contenders: ['sink', 'source'].flatMap((task) => [
      contender(task, 10_000),
      contender(task, 100_000, `${task}, 10000 points`),
      contender(task, 1_000_000, `${task}, 10000 points`),
    ]),
  }
}

/** The same program with options of its own, which compares every value bit for bit. */
async function runSmall({ command }: Contender, options: object): Promise<void> {
  const [program, ...args] = command
  await run(program, [...args.slice(0, -1), JSON.stringify(options)])
}

/** Before the first counted round of each contender, for it takes as long as a contest. */
function once(check: (contender: Contender) => Promise<string | undefined>): NonNullable<Contest['check']> {
  const checked = new Set<string>()
  return async (contender) => {
    if (checked.has(contender.name)) return undefined
    checked.add(contender.name)
    return await check(contender)
  }
}
