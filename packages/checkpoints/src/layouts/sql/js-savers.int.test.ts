import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { HumanMessage } from '@langchain/core/messages'
import type { BaseCheckpointSaver } from '@langchain/langgraph'
import { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres'
import { SqliteSaver } from '@langchain/langgraph-checkpoint-sqlite'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readRecords } from '../../testing/read-records.js'
import type { StorePlace } from '../store-place.js'
import { agentGraph, beginThread, resumeThread, told, tuplesOf } from './testing/agent-graph.js'
import { migrate, sourceOf } from './testing/migrate.js'

interface Tuple {
  readonly checkpoint_id: string
  readonly checkpoint: { readonly channel_values: object; readonly channel_versions: object }
}

/** The values of channels that somebody has written to. */
function written({ checkpoint: { channel_values, channel_versions } }: Tuple): readonly unknown[] {
  return Object.entries(channel_values)
    .filter(([name]) => Object.hasOwn(channel_versions, name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
}

const threads = ['customer-1', 'customer|2:odd', 'Ж-3']

describePostgres('checkpoints of LangGraph.js in SQL', () => {
  const first = useDatabase()
  const second = useDatabase()
  const third = useDatabase()
  const fourth = useDatabase()
  let folder = ''
  let original: PostgresSaver

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'drover-checkpoints-'))
    original = PostgresSaver.fromConnString(first.url)
    await original.setup()
    const graph = agentGraph(original)
    for (const thread of threads) await beginThread(graph, thread, `How is the weather, ${thread}?`)
    await resumeThread(graph, threads[1] as string, 'fine')
  })

  afterAll(async () => {
    await original.end()
    await rm(folder, { recursive: true })
  })

  const postgres = (url: string): StorePlace => ({ type: 'postgres', connection: url })
  const sqlite = (file: string): StorePlace => ({ type: 'sqlite', filename: join(folder, file) })

  it('reads each checkpoint with its values, parent and writes, of subgraphs too', async () => {
    const { records, rejected } = await readRecords(sourceOf('langgraph-js-postgres', postgres(first.url)), 3)
    expect(rejected).toEqual([])
    const namespaces = new Set(records.map(({ checkpoint_ns }) => checkpoint_ns.replace(/:.*/, '')))
    expect([...namespaces].sort()).toEqual(['', 'approval'])
    const interrupts = records.flatMap(({ writes }) => writes).filter(({ channel }) => channel === '__interrupt__')
    expect(interrupts.map(({ idx }) => idx)).toContain(-3)
    expect(records.every(({ timestamp }) => timestamp !== null)).toBe(true)
    const tuples = (await Promise.all(threads.map((thread) => tuplesOf(original, thread)))).flat()
    expect(records).toHaveLength(tuples.length)
  })

  it('is the same to the library in the other store, and in one like the first, and goes on from there', async () => {
    const file = sqlite('js.db')
    await migrate(['langgraph-js-postgres', postgres(first.url)], ['langgraph-js-sqlite', file])
    await migrate(['langgraph-js-sqlite', file], ['langgraph-js-postgres', postgres(second.url)])
    const before = await readRecords(sourceOf('langgraph-js-postgres', postgres(first.url)))
    const after = await readRecords(sourceOf('langgraph-js-postgres', postgres(second.url)))
    expect(after).toEqual(before)

    const moved = SqliteSaver.fromConnString(join(folder, 'js.db'))
    const returned = PostgresSaver.fromConnString(second.url)
    await returned.setup()
    for (const thread of threads) {
      const tuples = await tuplesOf(original, thread)
      expect(await tuplesOf(moved, thread)).toEqual(tuples)
      expect(await tuplesOf(returned, thread)).toEqual(tuples)
    }
    for (const saver of [moved, returned] as BaseCheckpointSaver[]) {
      const graph = agentGraph(saver)
      expect((await told(graph, threads[0] as string)).next).toEqual(['approval'])
      await resumeThread(graph, threads[0] as string, 'rain')
      expect(await told(graph, threads[0] as string)).toEqual({
        messages: [
          'human: "How is the weather, customer-1?"',
          'ai: [{"type":"text","text":"Let me see…"}]',
          'tool: "weather: rain"',
          'ai: "I was told: weather: rain"',
        ],
        next: [],
      })
    }
    await returned.end()
  })

  it('goes from a file that the library wrote into PostgreSQL, with channels that nobody has written to', async () => {
    const file = sqlite('native.db')
    const native = SqliteSaver.fromConnString(join(folder, 'native.db'))
    const [thread] = threads as [string]
    await beginThread(agentGraph(native), thread, 'How is the weather?')
    const { records } = await readRecords(sourceOf('langgraph-js-sqlite', file))
    const unwritten = records.filter(({ state }) => {
      if ('sealed' in state) return false
      const versions = Object.keys(state.checkpoint.channel_versions ?? {})
      return Object.keys(state.channels).some((channel) => !versions.includes(channel))
    })
    expect(unwritten.length).toBeGreaterThan(0)
    const report = await migrate(['langgraph-js-sqlite', file], ['langgraph-js-postgres', postgres(fourth.url)])
    expect(report.counts).toMatchObject({ inserted: records.length, rejected: 0 })
    expect(report.warnings).toEqual([])

    const moved = PostgresSaver.fromConnString(fourth.url)
    await moved.setup()
    for (const saver of [native, moved] as BaseCheckpointSaver[]) {
      await resumeThread(agentGraph(saver), thread, 'rain')
    }
    expect(await told(agentGraph(moved), thread)).toEqual(await told(agentGraph(native), thread))
    await moved.end()
  })

  it.each(['error', 'update'] as const)(
    'never mixes the values of branches of a thread that a file has (%s)',
    async (onConflict) => {
      const name = `branches-${onConflict}.db`
      const native = SqliteSaver.fromConnString(join(folder, name))
      const thread = `branches ${onConflict}`
      const graph = agentGraph(native)
      await beginThread(graph, thread, 'How is the weather?')
      await resumeThread(graph, thread, 'rain')
      const [, , third] = (await tuplesOf(native, thread)) as readonly { checkpoint_id: string }[]
      const branch = { configurable: { thread_id: thread, checkpoint_id: third?.checkpoint_id } }
      await graph.updateState(branch, { messages: [new HumanMessage('And tomorrow?')] })
      const target = ['langgraph-js-postgres', postgres(fourth.url)] as const
      const report = await migrate(['langgraph-js-sqlite', sqlite(name)], target, {
        onConflict,
        maxRejected: 5,
        batchSize: 1,
      })
      expect(report.counts.rejected).toBeGreaterThan(0)

      const before = (await tuplesOf(native, thread)) as readonly Tuple[]
      const moved = PostgresSaver.fromConnString(fourth.url)
      await moved.setup()
      const after = (await tuplesOf(moved, thread)) as readonly Tuple[]
      await moved.end()
      expect(after).toHaveLength(before.length - report.counts.rejected)
      for (const tuple of after) {
        const same = before.find(({ checkpoint_id }) => checkpoint_id === tuple.checkpoint_id)
        expect(JSON.stringify(written(tuple))).toEqual(JSON.stringify(written(same as Tuple)))
      }
    },
  )

  it('is written once however often it is migrated, by the policy that was asked for', async () => {
    const file = sqlite('again.db')
    const source = ['langgraph-js-postgres', postgres(first.url)] as const
    const target = ['langgraph-js-sqlite', file] as const
    const total = (await readRecords(sourceOf('langgraph-js-postgres', postgres(first.url)))).records.length
    expect((await migrate(source, target)).counts).toMatchObject({ inserted: total })
    expect((await migrate(source, target, { onConflict: 'skip' })).counts).toMatchObject({
      skipped: total,
      inserted: 0,
    })
    expect((await migrate(source, target, { onConflict: 'update' })).counts).toMatchObject({
      updated: total,
      inserted: 0,
    })
    await expect(migrate(source, target)).rejects.toThrow(/is there already/)
  })

  it('is refused by stores of Python, which could not go on with it', async () => {
    const python = sqlite('python.db')
    await expect(migrate(['langgraph-js-postgres', postgres(first.url)], ['langgraph-sqlite', python])).rejects.toThrow(
      /was written by LangGraph\.js, and "langgraph-sqlite" is a store of Python's LangGraph/,
    )
  })

  it('is refused where the store has a history of its own of the thread, with the same versions', async () => {
    const other = PostgresSaver.fromConnString(third.url)
    await other.setup()
    await beginThread(agentGraph(other), threads[0] as string, 'Something else?')
    await other.end()
    const [source, target] = [
      ['langgraph-js-postgres', postgres(first.url)] as const,
      ['langgraph-js-postgres', postgres(third.url)] as const,
    ]
    await expect(migrate(source, target)).rejects.toThrow(
      /the channel ".*" has another value at version \d+ in another branch of that thread, or in a history of its own/,
    )
    await expect(migrate(source, target, { onConflict: 'update' })).rejects.toThrow(/in a history of its own/)
    const kept = await readRecords(sourceOf(...target))
    expect(kept.records.every(({ thread_id }) => thread_id === threads[0])).toBe(true)
  })
})
