import { decodeJson, encodeJson, type Row } from '@drover/core'

/** A point as the server's JSON has it: integers with all their digits, vectors as numbers. */
export interface Point extends Row {
  readonly id: number | bigint | string
  readonly payload: Row
  readonly vector: unknown
}

/** As many as a run of some hundred milliseconds moves. */
const flockSize = 1_500

const words = ['grüße', '日本語', '😀', "it's", '"quoted"', 'back\\slash', 'line\nfeed', '__proto__', 'a.b[c]', '']

export const flockSettings = {
  vectors: {
    dense: { size: 4, distance: 'Dot' },
    many: { size: 2, distance: 'Euclid', multivector_config: { comparator: 'max_sim' } },
  },
  sparse_vectors: { words: {} },
} as const

/** Points of every kind: ids of 64 bits and UUIDs, vectors by name, of which some are missing, payloads that nest. */
export function flock(random: () => number): Point[] {
  const word = (): string => words[Math.floor(random() * words.length)] as string
  const float = (): number => Math.fround(random() * 2 - 1)
  return Array.from({ length: flockSize }, (_, i) => {
    const n = i + 1
    return {
      id: idOf(n),
      payload: {
        n,
        text: [word(), word()].join(' '),
        big: 9_007_199_254_740_993n + BigInt(n),
        score: random() < 0.1 ? null : random() * 100 + 0.5,
        nested: { [word() || 'x']: [word(), { deep: n % 2 === 0 }] },
      },
      vector: {
        dense: [float(), float(), float(), 1e-7 * n],
        ...(n % 3 === 0
          ? {}
          : {
              many: [
                [n, float()],
                [float(), 0.5],
              ],
            }),
        ...(n % 4 === 0 ? {} : { words: { indices: [n, n + 7], values: [float(), 1] } }),
      },
    }
  })
}

/** A third are small numbers, a third numbers beyond what a double holds, a third UUIDs. */
function idOf(n: number): number | bigint | string {
  if (n % 3 === 0) return n
  return n % 3 === 1 ? uuidOf(n) : 2n ** 63n + BigInt(n)
}

export function uuidOf(n: number, kind = '8'): string {
  return `0a000000-0000-4000-${kind}000-${n.toString(16).padStart(12, '0')}`
}

/** The points of a collection, by another way than the source's. */
export async function pointsAt(url: string, collection: string): Promise<Point[]> {
  const body = JSON.stringify({ limit: 100_000, with_vector: true })
  const answer = (await ask(`${url}/collections/${collection}/points/scroll`, 'POST', body)) as {
    readonly points: readonly Point[]
  }
  return [...answer.points]
}

/** Makes a collection and puts points into it. */
export async function fill(url: string, collection: string, points: string): Promise<void> {
  await ask(`${url}/collections/${collection}`, 'PUT', JSON.stringify(flockSettings))
  await ask(`${url}/collections/${collection}/points?wait=true`, 'PUT', points)
}

/** The same text for the same content, whatever order its names come in and whatever kind of list its vectors are. */
export function canonical(value: unknown): string {
  return encodeJson(sorted(decodeJson(encodeJson(value))))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  const names = Object.keys(value).sort()
  return Object.fromEntries(names.map((name) => [name, sorted((value as Row)[name])]))
}

async function ask(url: string, method: string, body: string): Promise<unknown> {
  const answer = await fetch(url, { method, body, headers: { 'content-type': 'application/json' } })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${text.slice(0, 500)}`)
  return (decodeJson(text) as { readonly result: unknown }).result
}
