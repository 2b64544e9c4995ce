import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Redis } from 'ioredis'
import type { DocumentForm } from '../redis-reader.js'

interface StoredKey {
  readonly key: string
  readonly type: 'json' | 'string' | 'zset'
  readonly value: string | Readonly<Record<string, number>>
}

/** Values of channels as version 0.0.8 wrote them: type and text. */
export function oldValues(): Readonly<Record<string, readonly [type: string, text: string]>> {
  return JSON.parse(fixtureText('python-old.expected.json'))
}

function fixtureText(name: string): string {
  return readFileSync(fileURLToPath(new URL(`../../../../fixtures/langgraph-redis/${name}`, import.meta.url)), 'utf8')
}

function linesOf<T>(name: string): readonly T[] {
  return fixtureText(name)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T)
}

/** Puts keys that a library has made into a server. */
export async function loadKeys(client: Redis, name: string, form: DocumentForm): Promise<void> {
  for (const { key, type, value } of linesOf<StoredKey>(name)) {
    if (type === 'zset') await client.zadd(key, ...Object.entries(value).flatMap(([member, score]) => [score, member]))
    else if (type === 'string') await client.set(key, value as string)
    else await setDocument(client, key, value as string, form)
  }
}

export async function setDocument(client: Redis, key: string, text: string, form: DocumentForm): Promise<void> {
  if (form === 'json') await client.call('JSON.SET', key, '$', text)
  else await client.set(key, text)
}

interface Typed {
  readonly type: string
  readonly base64: string
}

interface KeptCheckpoint {
  readonly kind: 'checkpoint'
  readonly thread_id: string
  readonly checkpoint_ns: string
  readonly checkpoint_id: string
  readonly parent_checkpoint_id: string | null
  readonly ts: string
  readonly versions: readonly string[]
  /** As JSON. */
  readonly channels: Readonly<Record<string, string>>
  readonly step: number
}

interface KeptWrites {
  readonly kind: 'writes'
  readonly thread_id: string
  readonly checkpoint_ns: string
  readonly checkpoint_id: string
  readonly task_id: string
  readonly task_path: string
  readonly writes: readonly (Typed & { readonly channel: string })[]
}

/** A checkpoint as the library was asked to keep it; values as texts. */
export interface Expected {
  readonly key: readonly string[]
  readonly parent: string | null
  readonly timestamp: string
  readonly step: number
  /** In the order of their names. */
  readonly channels: readonly (readonly [channel: string, value: string])[]
  /** In the order of records. */
  readonly writes: readonly string[]
}

const fixedPlaces: Readonly<Record<string, number>> = {
  __error__: -1,
  __scheduled__: -2,
  __interrupt__: -3,
  __resume__: -4,
}

/** What the savers were asked to keep, by the name of a checkpoint's key. */
export function expectedCheckpoints(name: string): readonly Expected[] {
  const kept = linesOf<KeptCheckpoint | KeptWrites>(name)
  const writes = new Map<string, Map<string, string>>()
  for (const one of kept) {
    if (one.kind !== 'writes') continue
    const id = nameOf(one)
    const own = writes.get(id) ?? new Map<string, string>()
    writes.set(id, own)
    one.writes.forEach(({ channel, type, base64 }, i) => {
      const idx = fixedPlaces[channel] ?? i
      own.set(
        `${one.task_id} ${idx}`,
        [one.task_path, one.task_id, idx, channel, type, type === 'null' ? null : base64].join(' '),
      )
    })
  }
  return kept.flatMap((one): readonly Expected[] => {
    if (one.kind !== 'checkpoint') return []
    const values = new Map(one.versions.map((channel): [string, string] => [channel, 'empty']))
    for (const [channel, value] of Object.entries(one.channels)) values.set(channel, `json ${value}`)
    return [
      {
        key: [one.thread_id, one.checkpoint_ns, one.checkpoint_id],
        parent: one.parent_checkpoint_id,
        timestamp: one.ts,
        step: one.step,
        channels: [...values].sort(([a], [b]) => (a < b ? -1 : 1)),
        writes: [...(writes.get(nameOf(one))?.values() ?? [])].sort(),
      },
    ]
  })
}

function nameOf({ thread_id, checkpoint_ns, checkpoint_id }: KeptCheckpoint | KeptWrites): string {
  return JSON.stringify([thread_id, checkpoint_ns, checkpoint_id])
}
