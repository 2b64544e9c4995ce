import { describe, expect, it } from 'vitest'
import { memorySink } from '../memory/memory-sink.js'
import { memorySource } from '../memory/memory-source.js'
import { memoryStore } from '../memory/memory-store.js'
import { runPipeline } from './run-pipeline.js'
import { failure, ids, type Numbered, numbers } from './testing/rigs.js'

function growing() {
  const records: Numbered[] = []
  const store = memoryStore<Numbered>()
  const run = (more: object = {}) =>
    runPipeline({
      name: 'growing',
      source: memorySource({ records, key: 'id' }),
      sink: memorySink({ store }),
      again: 'incremental',
      ...more,
    })
  return { records, store, run }
}

describe('an incremental run', () => {
  it('of what was empty the first time reads all of it the next', async () => {
    const { records, store, run } = growing()
    expect(await run()).toMatchObject({ status: 'completed', counts: { read: 0 } })
    records.push(...numbers(5))
    expect(await run()).toMatchObject({ status: 'completed', counts: { read: 5 } })
    expect(await run()).toMatchObject({ status: 'completed', counts: { read: 0 } })
    records.push({ id: 6 })
    expect(await run()).toMatchObject({ status: 'completed', counts: { read: 1 } })
    expect(ids(store.rows)).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('goes on where it was stopped, not where the run before it ended', async () => {
    const { records, store, run } = growing()
    records.push(...numbers(5))
    await run()
    records.push(...numbers(25).slice(5))
    expect(await run({ batchSize: 5, stopAfter: { records: 10 } })).toMatchObject({ status: 'stopped' })
    await run()
    expect(ids(store.rows)).toEqual(ids(numbers(25)))
  })

  it('goes on in each of several partitions', async () => {
    const { records, store, run } = growing()
    records.push(...numbers(100))
    await run({ parallel: 4 })
    records.push(...numbers(150).slice(100))
    expect(await run({ parallel: 4 })).toMatchObject({ counts: { read: 50 } })
    expect(ids(store.rows).sort((a, b) => a - b)).toEqual(ids(numbers(150)))
  })

  it('does not go on where another source ended', async () => {
    const { records, store, run } = growing()
    records.push(...numbers(5))
    await run()
    const other = memorySource({ name: 'other', records: numbers(9).map(({ id }) => ({ id: id + 100 })), key: 'id' })
    expect(await failure(run({ source: other }))).toMatchObject({ code: 'PIPELINE_CHANGED' })
    expect(await run({ source: other, whenChanged: 'restart' })).toMatchObject({ counts: { read: 9 } })
    expect(ids(store.rows)).toEqual([1, 2, 3, 4, 5, 101, 102, 103, 104, 105, 106, 107, 108, 109])
  })

  it('goes on with another definition, if told to', async () => {
    const { records, store, run } = growing()
    records.push(...numbers(5))
    await run()
    records.push({ id: 6 })
    await run({ version: '2', whenChanged: 'continue' })
    expect(ids(store.rows)).toEqual([1, 2, 3, 4, 5, 6])
  })
})
