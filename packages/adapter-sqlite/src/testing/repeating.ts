import { from, type PipelineOptions, type Row } from '@drover/core'
import { sqliteSink } from '../sink/sqlite-sink.js'
import { sqliteSource } from '../source/sqlite-source.js'

/** A pipeline between two files of a folder, which rejects every tenth record until it is mended. */
export function repeatingPipeline(folder: string, isMended: boolean): PipelineOptions<Row> {
  return {
    name: 'copy',
    source: from(sqliteSource<Row>({ filename: `${folder}/source.db`, table: 'messages' })).pipe((message) => {
      if (!isMended && Number(message.id) % 10 === 0) throw new Error(`no ${message.id}`)
      return message
    }),
    sink: sqliteSink<Row>({ filename: `${folder}/target.db`, table: 'messages' }),
    deadLetters: `${folder}/letters`,
    maxRejected: 1_000,
    batchSize: 20,
    whenHeld: 'wait',
  }
}

/** The same, reading all again into rows that are there, and deleting the others. */
export function sweepingPipeline(folder: string): PipelineOptions<Row> {
  return {
    ...repeatingPipeline(folder, true),
    name: 'sweep',
    sink: sqliteSink<Row>({ filename: `${folder}/target.db`, table: 'messages', onConflict: 'update' }),
    again: 'full',
    deletes: 'propagate',
  }
}
