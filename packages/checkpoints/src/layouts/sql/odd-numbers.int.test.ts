import { memoryStateStore, runPipeline } from '@drover/core'
import { expect, test } from 'vitest'
import { readCheckpoint } from '../../export/read-checkpoint.js'
import { tempFolder } from '../../export/testing/records.js'
import type { CheckpointRecord } from '../../records/checkpoint-record.js'
import { readRecords } from '../../testing/read-records.js'
import { runSqlite } from '../langchain/testing/run-sqlite.js'
import { recordOfUnified, unifiedPayload } from '../qdrant/unified-payload.js'
import { askSqlite } from './ask.js'
import { rowsOfCheckpoint } from './postgres-encode.js'
import { copyStore } from './testing/fixtures.js'
import { sinkOf, sourceOf } from './testing/migrate.js'

/** As Python's `json.dumps` writes it. */
const metadata =
  '{"step": 1, "score": NaN, "best": [Infinity, {"worst": -Infinity}], "huge": 1e400, "said": "NaN, not a number"}'

async function storeWithOddNumbers(folder: string): Promise<string> {
  const filename = `${folder}/odd.db`
  await copyStore('sqlite', filename)
  await runSqlite(
    filename,
    `DELETE FROM checkpoints WHERE rowid > (SELECT min(rowid) FROM checkpoints)`,
    `UPDATE checkpoints SET metadata = CAST('${metadata}' AS BLOB)`,
  )
  return filename
}

test('numbers in metadata that JSON does not have are carried to where they can be kept', async () => {
  const folder = tempFolder()
  const source = sourceOf('langgraph-sqlite', { type: 'sqlite', filename: await storeWithOddNumbers(folder) })
  const { records, rejected } = await readRecords(source)
  const record = records[0] as CheckpointRecord
  expect(rejected).toEqual([])
  const odd = { score: Number.NaN, best: [Infinity, { worst: -Infinity }], huge: Infinity, said: 'NaN, not a number' }
  expect(record.metadata).toEqual({ step: 1, ...odd })

  const copy = { type: 'sqlite', filename: `${folder}/copy.db` } as const
  await runPipeline({ name: 'odd', source, sink: sinkOf('langgraph-sqlite', copy), state: memoryStateStore() })
  const ask = askSqlite(copy.filename, { signal: new AbortController().signal })
  expect(await ask('SELECT CAST(metadata AS TEXT) FROM checkpoints')).toEqual([
    ['{"step":1,"score":NaN,"best":[Infinity,{"worst":-Infinity}],"huge":Infinity,"said":"NaN, not a number"}'],
  ])

  const { payload } = unifiedPayload(record)
  expect(payload.metadata).toMatchObject({ step: 1, score: { $type: 'float', value: 'NaN' } })
  expect(recordOfUnified(payload).metadata).toEqual(record.metadata)
  expect(readCheckpoint(record).metadata).toMatchObject({ best: [{ $type: 'float', value: 'Infinity' }, {}] })
})

test.each(['langgraph-postgres', 'langgraph-postgres-shallow'] as const)(
  'a record with such a number is refused by %s, which has no place for it',
  async (layout) => {
    const filename = await storeWithOddNumbers(tempFolder())
    const { records } = await readRecords(sourceOf('langgraph-sqlite', { type: 'sqlite', filename }))
    expect(() => rowsOfCheckpoint(records[0] as CheckpointRecord, layout)).toThrow(
      expect.objectContaining({
        code: 'RECORD_REFUSED',
        message: expect.stringMatching(new RegExp(`metadata that "${layout}" cannot keep.*"score".*NaN`)),
      }),
    )
  },
)
