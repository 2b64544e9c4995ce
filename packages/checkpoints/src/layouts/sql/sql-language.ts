import { DroverError } from '@drover/core'
import type { CheckpointRecord } from '../../records/checkpoint-record.js'

/** The libraries that write checkpoints. */
export type Language = CheckpointRecord['language']

const libraries = { python: "Python's LangGraph", js: 'LangGraph.js' } as const

/**
 * Refuses a checkpoint of the other library: versions of channels are texts there and numbers here, and values msgpack and JSON, so neither
 * could go on with what the other one wrote.
 *
 * @throws `RECORD_REFUSED`
 */
export function requireLanguage(record: CheckpointRecord, language: Language, layout: string): void {
  if (record.language === language) return
  throw new DroverError(
    'RECORD_REFUSED',
    `${shownCheckpoint(record)} was written by ${libraries[record.language]}, and "${layout}" is a store of ${libraries[language]}, which cannot go on ` +
      'with it. Write it into a store of its own library, or export it.',
  )
}

/** A checkpoint as messages name it. */
export function shownCheckpoint({
  thread_id,
  checkpoint_ns,
  checkpoint_id,
}: Pick<CheckpointRecord, 'thread_id' | 'checkpoint_ns' | 'checkpoint_id'>): string {
  const namespace = checkpoint_ns === '' ? '' : `, namespace ${JSON.stringify(checkpoint_ns)}`
  return `Checkpoint ${JSON.stringify(checkpoint_id)} of thread ${JSON.stringify(thread_id)}${namespace}`
}
