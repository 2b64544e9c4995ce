import { describe, expect, it } from 'vitest'
import { runPipeline } from '../engine/run-pipeline.js'
import { but, failure, type Numbered, source, transient } from '../engine/testing/rigs.js'
import { sink } from '../sinks/sink.js'
import { memoryStateStore } from '../state/memory-state-store.js'
import { ensureFinished } from './ensure-finished.js'

const into = sink<Numbered>({ name: 'none', guarantee: 'idempotent', batchSize: 10, write: async () => {} })

describe('ensureFinished', () => {
  it('resolves once the run has completed, and not before', async () => {
    const state = memoryStateStore()
    const never = await failure(ensureFinished('tokens', { state }))
    expect(never).toMatchObject({ code: 'DEPENDENCY_UNFINISHED' })
    expect(never.message).toContain('tokens has never run in the state store memory. There are: none.')
    expect(never.message).toContain('Run it to its end')

    const run = (more: object) => runPipeline({ name: 'tokens', source: source(100), sink: into, state, ...more })
    await run({ stopAfter: { records: 30 } })
    const open = await failure(ensureFinished('tokens', { state }))
    expect(open).toMatchObject({ code: 'DEPENDENCY_UNFINISHED' })
    expect(open.message).toMatch(
      /tokens has not completed .* has read 30 records or more; its last attempt stopped \(30 records/,
    )

    await run({})
    await expect(ensureFinished('tokens', { state })).resolves.toBeUndefined()
  })

  it('says which name was meant', async () => {
    const state = memoryStateStore()
    await runPipeline({ name: 'message-tokens', source: source(1), sink: into, state })
    expect((await failure(ensureFinished('mesage-tokens', { state }))).message).toContain(
      'did you mean "message-tokens"?',
    )
  })

  it('bears a store that is busy for a moment', async () => {
    const inner = memoryStateStore()
    await runPipeline({ name: 'tokens', source: source(1), sink: into, state: inner })
    let tries = 0
    const state = but(inner, {
      load: async (name, operation) => {
        if (++tries === 1) throw transient()
        return inner.load(name, operation)
      },
    })
    await ensureFinished('tokens', { state })
    expect(tries).toBe(2)
  })

  it('refuses what it does not know', async () => {
    expect(await failure(ensureFinished('', { state: memoryStateStore() }))).toMatchObject({ code: 'OPTION_INVALID' })
    expect((await failure(ensureFinished('x', {} as never))).message).toContain('state names the store')
  })
})
