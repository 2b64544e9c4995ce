import { randomInt } from 'node:crypto'
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type RedisServer, startRedis } from '@drover-internal/redis-server'
import { type Command, connected, flock, sendAll } from './redis-keys.js'

const [note, commandsFile] = ['redis.json', 'herd.redis']

/** Writes down the commands that make the keys of each trial. */
export function prepareFlock(directory: string, random: () => number): void {
  writeFileSync(join(directory, commandsFile), JSON.stringify(flock(random)))
}

/** Where the trial in this directory lives. */
export function redisAt(directory: string): string {
  return (JSON.parse(readFileSync(join(directory, note), 'utf8')) as { readonly url: string }).url
}

/** Gives the trial an empty database of the server of `REDIS_URL`, and puts there what was prepared. */
export async function beginRedis(directory: string): Promise<AsyncDisposable> {
  const server = process.env.REDIS_URL
  if (server === undefined) throw new Error('The variable REDIS_URL says where the pairs of Redis work.')
  const url = new URL(server)
  const trial = await connected(url.href, (client) => client.incr('drover-chaos:trials'))
  url.pathname = `/${1 + (trial % 900)}`
  await begun(directory, url.href)
  return {
    [Symbol.asyncDispose]: () => connected(url.href, async (client) => void (await client.flushdb())),
  }
}

/** What becomes of the trial's server while it is worked with. */
export type Trouble =
  /** It is killed and started again, and has kept what it answered. */
  | 'crashes'
  /** The same, and it has lost the last of it, as after a loss of power without `appendfsync always`. */
  | 'forgets'

/** Of what came since the server was started: also some of what stood there before, but less than came, or no run would ever end. */
const mostForgotten = 1.5
const transactionEnd = Buffer.from('*1\r\n$4\r\nEXEC\r\n')
const troubled = new Map<string, TroubledServer>()

/** Gives the trial a server of its own, which is killed again and again until {@link calm}. */
export async function beginTrouble(directory: string, trouble: Trouble): Promise<AsyncDisposable> {
  const server = await startRedis({
    settings: {
      dir: directory,
      appendonly: 'yes',
      // To a log that is cut off here and there it does not matter when it reached the disk.
      appendfsync: trouble === 'crashes' ? 'always' : 'everysec',
      'auto-aof-rewrite-percentage': 0,
    },
  })
  await begun(directory, server.url)
  const own = new TroubledServer(server, directory, trouble)
  troubled.set(directory, own)
  return {
    async [Symbol.asyncDispose]() {
      troubled.delete(directory)
      await own[Symbol.asyncDispose]()
    },
  }
}

/** Nothing befalls the trial's server any more. Gives how often it was killed. */
export async function calm(directory: string): Promise<number> {
  return (await troubled.get(directory)?.calm()) ?? 0
}

async function begun(directory: string, url: string): Promise<void> {
  writeFileSync(join(directory, note), JSON.stringify({ url }))
  await connected(url, async (client) => {
    await client.flushdb()
    const prepared = join(directory, commandsFile)
    if (statSync(prepared, { throwIfNoEntry: false }) === undefined) return
    await sendAll(client, JSON.parse(readFileSync(prepared, 'utf8')) as Command[])
  })
}

class TroubledServer implements AsyncDisposable {
  readonly #calm = new AbortController()
  readonly #loop: Promise<void>
  /** What stood in the log before anybody worked is kept. */
  readonly #kept: number
  /** How long the log was when the server was started. */
  #stood: number
  #kills = 0

  constructor(
    private readonly server: RedisServer,
    private readonly directory: string,
    private readonly trouble: Trouble,
  ) {
    this.#kept = statSync(this.#log).size
    this.#stood = this.#kept
    this.#loop = this.#befall()
  }

  async calm(): Promise<number> {
    this.#calm.abort()
    await this.#loop
    return this.#kills
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.calm()
    await this.server[Symbol.asyncDispose]()
  }

  async #befall(): Promise<void> {
    const { signal } = this.#calm
    for (;;) {
      await wait(randomInt(50, 500), undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      await this.server.crash()
      this.#kills++
      if (this.trouble === 'forgets') this.#forget()
      await this.server.start()
    }
  }

  #forget(): void {
    const log = readFileSync(this.#log)
    const cut = Math.max(this.#kept, log.length - randomInt(1 + Math.ceil(mostForgotten * (log.length - this.#stood))))
    // Behind a transaction: of one that is cut through Redis 7.0 leaves a piece in its log, and does it at the restart after the next.
    const end = log.lastIndexOf(transactionEnd, cut - transactionEnd.length)
    this.#stood = Math.max(this.#kept, end < 0 ? 0 : end + transactionEnd.length)
    truncateSync(this.#log, this.#stood)
  }

  /** The log of commands: since Redis 7 in a folder of its own. */
  get #log(): string {
    const folder = join(this.directory, 'appendonlydir')
    const names = statSync(folder, { throwIfNoEntry: false }) === undefined ? [] : readdirSync(folder)
    const name = names.find((name) => name.endsWith('.incr.aof'))
    return name === undefined ? join(this.directory, 'appendonly.aof') : join(folder, name)
  }
}
