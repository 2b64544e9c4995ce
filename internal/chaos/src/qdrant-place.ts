import { randomInt } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { encodeJson } from '@drover/core'
import { type QdrantProcess, startQdrantProcess, startQdrantServer } from '@drover-internal/qdrant-server'
import { fill, flock } from './qdrant-points.js'

const [note, pointsFile] = ['qdrant.json', 'points.json']

/** Writes down the points of each trial. */
export function preparePoints(directory: string, random: () => number): void {
  writeFileSync(join(directory, pointsFile), encodeJson({ points: flock(random) }, { values: 'plain' }))
}

/** Where the trial in this directory lives. */
export function qdrantAt(directory: string): string {
  return (JSON.parse(readFileSync(join(directory, note), 'utf8')) as { readonly url: string }).url
}

/** Gives the trial a server of its own, in the process of the harness, and puts there what was prepared. */
export async function beginQdrant(directory: string): Promise<AsyncDisposable> {
  const server = await startQdrantServer()
  await begun(directory, server.url)
  return server
}

const troubled = new Map<string, TroubledServer>()

/** Gives the trial a server as a process, which is killed and started again, with what it acknowledged, until {@link calmQdrant}. */
export async function beginTroubledQdrant(directory: string): Promise<AsyncDisposable> {
  const server = await startQdrantProcess({ data: join(directory, 'qdrant') })
  await begun(directory, server.url)
  const own = new TroubledServer(server)
  troubled.set(directory, own)
  return {
    async [Symbol.asyncDispose]() {
      troubled.delete(directory)
      await own.calm()
      await server[Symbol.asyncDispose]()
    },
  }
}

/** Nothing befalls the trial's server any more. */
export async function calmQdrant(directory: string): Promise<void> {
  await troubled.get(directory)?.calm()
}

async function begun(directory: string, url: string): Promise<void> {
  writeFileSync(join(directory, note), JSON.stringify({ url }))
  const prepared = join(directory, pointsFile)
  if (existsSync(prepared)) await fill(url, 'herd', readFileSync(prepared, 'utf8'))
}

class TroubledServer {
  readonly #calm = new AbortController()
  readonly #loop: Promise<void>

  constructor(private readonly server: QdrantProcess) {
    this.#loop = this.#befall()
  }

  async calm(): Promise<void> {
    this.#calm.abort()
    await this.#loop
  }

  async #befall(): Promise<void> {
    const { signal } = this.#calm
    for (;;) {
      await wait(randomInt(200, 1_500), undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      await this.server.kill()
      await this.server.start()
    }
  }
}
