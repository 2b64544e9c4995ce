import { describe, expect, it } from 'vitest'
import type { Report } from '../contracts/report.js'
import { type Flow, from } from '../flow/flow.js'
import { transformer } from '../flow/transformer-factory.js'
import { memoryAckSink } from '../memory/memory-ack-sink.js'
import { memorySink } from '../memory/memory-sink.js'
import { runPipeline } from './run-pipeline.js'
import { failure, type Numbered, numbers, source, transient } from './testing/rigs.js'

interface Child {
  readonly id: number
  readonly child: number
}

const split = ({ id }: Numbered): Child[] => [0, 1, 2].map((child) => ({ id, child }))
const family = (of: readonly Numbered[]): Child[] => of.flatMap(split)

async function written(flow: Flow<object>, maxRejected = 0): Promise<{ rows: readonly object[]; report: Report }> {
  const into = memorySink<object>()
  const letters = memoryAckSink()
  const report = await runPipeline({ name: 'children', source: flow, sink: into, maxRejected, deadLetters: letters })
  return { rows: into.store.rows, report }
}

for (const kind of ['sync', 'async'] as const) {
  const maybe = <T>(value: T): T | Promise<T> => (kind === 'sync' ? value : Promise.resolve(value))
  const fanOut = () => from(source(20)).pipe((r) => maybe(split(r)))

  describe(`steps behind a ${kind} step that gives several`, () => {
    it('are called once for each child', async () => {
      const called: Child[] = []
      for (const next of ['sync', 'async']) {
        called.length = 0
        const flow = fanOut().pipe((c) => {
          called.push(c)
          const marked = { ...c, times: ('times' in c ? (c.times as number) : 0) + 1 }
          return next === 'sync' ? marked : Promise.resolve(marked)
        })
        const { rows } = await written(flow)
        expect(rows).toEqual(family(numbers(20)).map((c) => ({ ...c, times: 1 })))
        expect(called).toHaveLength(60)
      }
    })

    it('are called again after a transient error, and only those', async () => {
      for (const next of ['sync', 'async']) {
        const calls = new Map<string, number>()
        const flow = fanOut().pipe((c) => {
          const key = `${c.id}/${c.child}`
          calls.set(key, (calls.get(key) ?? 0) + 1)
          if (key === '7/1' && calls.get(key) === 1) {
            if (next === 'sync') throw transient()
            return Promise.reject(transient())
          }
          return next === 'sync' ? c : Promise.resolve(c)
        })
        const { rows } = await written(flow)
        expect(rows).toEqual(family(numbers(20)))
        expect([...calls].filter(([, times]) => times > 1)).toEqual([['7/1', 2]])
      }
    })

    it('are named by their own errors, and reject the family', async () => {
      const bad = transformer({
        name: 'bad',
        transform: (c: Child): Child | Promise<Child> => {
          if (c.id !== 9 || c.child !== 2) return maybe(c)
          throw new Error('nine')
        },
      })
      const { rows, report } = await written(fanOut().pipe(bad), 1)
      expect(rows).toEqual(family(numbers(20).filter(({ id }) => id !== 9)))
      expect(report.rejected).toMatchObject([{ key: [9], stage: 'transform', message: 'bad failed: nine' }])
      const unfit = fanOut().filter((c) => {
        if (c.child === 2) throw new Error('two')
        return maybe(true)
      })
      expect((await failure(written(unfit))).message).toContain('(filter, TRANSFORM_FAILED): filter 2 failed: two')
    })

    it('have their own time for each child', async () => {
      const quick = transformer({ name: 'split', timeoutMs: 200, transform: (r: Numbered) => maybe(split(r)) })
      const slow = transformer({
        name: 'slow',
        timeoutMs: 200,
        transform: (c: Child) => new Promise<Child>((resolve) => setTimeout(resolve, c.id === 1 ? 90 : 0, c)),
      })
      expect((await written(from(source(4)).pipe(quick).pipe(slow))).rows).toEqual(family(numbers(4)))
    })

    it('are given up, one by one, when they do not answer', async () => {
      const late = transformer({
        name: 'late',
        timeoutMs: 30,
        transform: (c: Child) => (c.id === 3 ? new Promise<Child>(() => {}) : Promise.resolve(c)),
      })
      const { rows, report } = await written(fanOut().pipe(late), 1)
      expect(rows).toEqual(family(numbers(20).filter(({ id }) => id !== 3)))
      expect(report.rejected).toMatchObject([{ key: [3], code: 'TRANSFORM_TIMEOUT' }])
      expect(report.rejected[0]?.message).toContain('late did not answer within 30 ms')
    })
  })
}
