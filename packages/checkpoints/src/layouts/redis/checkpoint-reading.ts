import { DroverError, type Operation } from '@drover/core'
import type { CheckpointRecord } from '../../records/checkpoint-record.js'
import { checkpointSchema } from '../../records/schemas.js'
import { CheckpointKeys, defaultKeyPrefix, type RedisCheckpointLayout } from './checkpoint-keys.js'
import { kindOf } from './checkpoint-kind.js'
import { Chunks } from './chunks.js'
import { checkpointOf, type OpenedCheckpoint, openCheckpoint } from './opened-checkpoint.js'
import type { Entry, Notes, Reading, Unit } from './reading.js'
import type { RedisReader } from './redis-reader.js'
import { type Members, membersOf } from './stored-document.js'
import { WriteKeys } from './write-keys.js'

/** Checkpoints of LangGraph: a document for each, with writes, and values of channels, in documents beside it. */
export function checkpointReading(
  layout: RedisCheckpointLayout,
  keyPrefix = defaultKeyPrefix,
): Reading<CheckpointRecord> {
  const names = new CheckpointKeys(layout, keyPrefix)
  return {
    schema: checkpointSchema,
    sought: `documents that begin with ${JSON.stringify(keyPrefix)}`,
    units: async (reader, operation) =>
      (await reader.keys(keyPrefix, 'document', operation)).map((key) => ({ name: key, keys: [key] })),
    // Another layout's have the same prefix: which ones they are is only known when they are read.
    count: async (_, units) => ({ value: units.length, exact: false }),
    entries: async function* (reader, units, after, notes, operation) {
      const chunks = new Chunks<Unit>(units.filter(({ name }) => name !== after?.unit))
      const writes = new WriteKeys(reader, names)
      for (let some = chunks.next(); some.length > 0; some = chunks.next()) {
        const keys = some.map(({ name }) => name)
        const entries = await readChunk(reader, keys, names, writes, notes, operation)
        const left = await reader.timesToLive(
          entries.map(({ unit }) => unit),
          operation,
        )
        notes.expiring += left.filter((ms) => ms >= 0).length
        chunks.was(entries.reduce((sum, { bytes }) => sum + bytes, 0))
        yield* entries
      }
    },
  }
}

/** A document, and what became of it so far. */
interface Found {
  readonly key: string
  readonly text: string
  bytes: number
  opened?: OpenedCheckpoint
  error?: unknown
}

async function readChunk(
  reader: RedisReader,
  keys: readonly string[],
  names: CheckpointKeys,
  writes: WriteKeys,
  notes: Notes,
  operation: Operation,
): Promise<readonly Entry<CheckpointRecord>[]> {
  const found: Found[] = []
  const texts = await reader.documents(keys, operation)
  texts.forEach((text, i) => {
    if (text === null) notes.gone++
    else {
      const one = opened({ key: keys[i] as string, text, bytes: text.length }, names)
      if (one === null) notes.others++
      else found.push(one)
    }
  })
  await addValues(reader, found, names, operation)
  await addWrites(reader, found, writes, operation)
  return found.map(entryOf)
}

/** Null if it is another layout's, or no checkpoint at all. */
function opened(found: Found, names: CheckpointKeys): Found | null {
  try {
    const members = membersOf(found.text)
    if (kindOf(members) !== names.layout || !isCheckpoint(members)) return null
    return { ...found, opened: openCheckpoint(members, names.layout) }
  } catch (error) {
    return { ...found, error }
  }
}

/** An application may call keys of its own like those of the saver. */
function isCheckpoint(members: Members): boolean {
  return members.has('thread_id') || members.has('checkpoint')
}

/** Values of channels that have a version, and are not in the document. */
async function addValues(
  reader: RedisReader,
  found: readonly Found[],
  names: CheckpointKeys,
  operation: Operation,
): Promise<void> {
  const wanted = found.flatMap((one) =>
    (one.opened?.missing ?? []).map(([channel, version]) => ({
      one,
      channel,
      key: names.blob((one.opened as OpenedCheckpoint).name, channel, version),
    })),
  )
  if (wanted.length === 0) return
  const texts = await reader.documents(
    wanted.map(({ key }) => key),
    operation,
  )
  texts.forEach((text, i) => {
    const { one, channel } = wanted[i] as (typeof wanted)[number]
    if (text === null) return
    one.bytes += text.length
    attempt(one, () => one.opened?.setValue(channel, membersOf(text)))
  })
}

async function addWrites(
  reader: RedisReader,
  found: readonly Found[],
  writes: WriteKeys,
  operation: Operation,
): Promise<void> {
  const whole = found.filter((one) => one.opened !== undefined && one.error === undefined)
  const keys = await writes.of(
    whole.map((one) => one.opened as OpenedCheckpoint),
    operation,
  )
  const texts = await reader.documents(keys.flat(), operation)
  let at = 0
  whole.forEach((one, i) => {
    for (const _ of keys[i] ?? []) {
      const text = texts[at++] ?? null
      if (text === null) continue // it expired before its checkpoint, or somebody removed it
      one.bytes += text.length
      attempt(one, () => one.opened?.addWrite(membersOf(text)))
    }
  })
}

function attempt(one: Found, work: () => void): void {
  try {
    work()
  } catch (error) {
    one.error ??= error
  }
}

function entryOf({ key, text, bytes, opened, error }: Found): Entry<CheckpointRecord> {
  const { thread_id, checkpoint_ns, checkpoint_id } = opened?.name ?? {}
  const at = {
    unit: key,
    place: null,
    key: opened === undefined ? [key] : [thread_id, checkpoint_ns, checkpoint_id].map(String),
    bytes,
  }
  if (opened !== undefined && error === undefined) return { ...at, record: checkpointOf(opened) }
  const why = error instanceof Error ? error.message : String(error)
  const said = new DroverError('RECORD_UNREADABLE', `Key "${key}" cannot be read as a checkpoint: ${why}`, {
    cause: error,
  })
  return { ...at, error: said, raw: Buffer.from(text) }
}
