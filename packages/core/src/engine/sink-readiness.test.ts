import { expect, it } from 'vitest'
import type { RecordSchema } from '../contracts/schema.js'
import { from } from '../flow/flow.js'
import { memorySink } from '../memory/memory-sink.js'
import { memorySource } from '../memory/memory-source.js'
import { runPipeline } from './run-pipeline.js'
import { withSession } from './testing/rigs.js'

interface Message {
  readonly id: bigint
  readonly part: string
}

const records: Message[] = Array.from({ length: 50 }, (_, i) => ({ id: 2n ** 60n + BigInt(i), part: `p${i}` }))

/** The key that a sink is told of records behind such a step. */
async function keyBehind(step: (record: Message) => object | readonly object[] | null): Promise<readonly string[]> {
  let told: RecordSchema | undefined
  const sink = withSession(memorySink<object>(), () => ({
    prepare: async (schema: RecordSchema) => {
      told = schema
    },
  }))
  await runPipeline({ name: 'keyed', source: from(memorySource({ records, key: ['id', 'part'] })).pipe(step), sink })
  return told?.key ?? ['not told']
}

it.each<[string, (record: Message) => object | readonly object[] | null, readonly string[]]>([
  ['is the source’s where records keep it', (record) => ({ ...record, more: 1 }), ['id', 'part']],
  ['is the source’s where some are left out', (record) => (record.id % 2n === 0n ? null : record), ['id', 'part']],
  ['is none where one has another', (record) => (record.part === 'p49' ? { ...record, part: 'p0' } : record), []],
  ['is none where it is another type', (record) => ({ ...record, id: Number(record.id) }), []],
  ['is none where a field of it is gone', ({ id }) => ({ id }), []],
  ['is none where a record becomes two rows', (record) => (record.part === 'p7' ? [record, record] : record), []],
])('the key of records behind a plain function %s', async (_, step, key) => {
  expect(await keyBehind(step)).toEqual(key)
})
