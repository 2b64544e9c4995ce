import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A server of the benchmarks' own that only reads what is sent and sends what was prepared, in a process of its own. */
export interface QdrantBench extends AsyncDisposable {
  readonly url: string
  /** Vectors as float32, one after the other; points take them in turn. */
  readonly file: string
  readonly dimensions: number
  /** Points that came to the collection `verified` since it was asked last, and those that were not what they should be. */
  verified(): Promise<{ readonly points: number; readonly wrong: number }>
}

const dimensions = 768
const distinct = 4000
const program = fileURLToPath(new URL('./qdrant-server.mjs', import.meta.url))

/** Starts the server. */
export async function qdrantBench({ folder }: { readonly folder: string }): Promise<QdrantBench> {
  const file = path.join(folder, `vectors-${distinct}-${dimensions}.f32`)
  await writeFile(file, new Uint8Array(randomVectors().buffer))
  const server = spawn(process.execPath, [program, file, String(dimensions)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [port] = (await once(createInterface(server.stdout), 'line')) as [string]
  const url = `http://127.0.0.1:${port}`
  let before = { points: 0, wrong: 0 }
  return {
    url,
    file,
    dimensions,
    async verified() {
      const answer = (await (await fetch(`${url}/verified`)).json()) as { result: typeof before }
      const since = { points: answer.result.points - before.points, wrong: answer.result.wrong - before.wrong }
      before = answer.result
      return since
    },
    async [Symbol.asyncDispose]() {
      server.kill()
      await once(server, 'exit')
    },
  }
}

/** Of length 1, as embeddings are, and the same each time. */
function randomVectors(): Float32Array {
  let state = 42
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state + 0.5) / 2 ** 32
  }
  const all = new Float32Array(distinct * dimensions)
  for (let start = 0; start < all.length; start += dimensions) {
    let squares = 0
    for (let i = start; i < start + dimensions; i++) {
      const value = Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random())
      all[i] = value
      squares += value * value
    }
    for (let i = start; i < start + dimensions; i++) all[i] = (all[i] as number) / Math.sqrt(squares)
  }
  return all
}
