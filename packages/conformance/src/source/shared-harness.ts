import type { RecordSchema, Row } from '@drover/core'
import { afterAll } from 'vitest'
import type { SourceHarness, SourceHarnessFactory } from './source-harness.js'

/** A store that holds these records for all tests of a block that only read: the first of them makes it, and it goes behind the last. */
export function sharedHarness(
  { create }: SourceHarnessFactory,
  schema: RecordSchema,
  records: readonly Row[],
): () => Promise<Pick<SourceHarness, 'open'>> {
  let shared: Promise<SourceHarness> | undefined
  const make = async (): Promise<SourceHarness> => {
    const harness = await create(schema)
    await harness.seed(records)
    return harness
  }
  afterAll(async () => {
    const harness = await shared
    shared = undefined
    await harness?.[Symbol.asyncDispose]()
  })
  return () => {
    shared ??= make()
    return shared
  }
}
