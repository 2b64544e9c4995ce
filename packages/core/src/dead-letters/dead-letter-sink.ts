import type { Page, RecordKey } from '../contracts/page.js'
import type { Claim, Position } from '../contracts/position.js'
import type { AckSession, ExactSession, Outcome, Sink } from '../contracts/sink.js'
import type { Row } from '../contracts/values.js'
import { noCounts } from '../engine/counts.js'
import type { DeadLetter, DeadLetterStore, DeadLetterWriter } from './dead-letter.js'

/** Sends dead letters to any sink, one row per letter under the letter's id. A crash may send a letter again: a sink with a key keeps one. */
export function deadLetterSink(sink: Sink<Row>): DeadLetterStore {
  return { place: sink.name, open: (claim) => openWriter(sink, claim) }
}

async function openWriter(sink: Sink<Row>, claim: Claim): Promise<DeadLetterWriter> {
  const { signal } = new AbortController()
  const session = await sink.connect({ signal })
  // The letters of a partition are a small run of their own, under the same fence.
  const own: Claim = { ...claim, run: `${claim.run}/dead-letters` }
  let position: Position = { ...own, sequence: 0, cursor: null, done: false, counts: noCounts }
  if (sink.guarantee === 'exactly-once')
    position = (await (session as ExactSession<Row>).claim(own, { signal })) ?? position
  return {
    async append(letters) {
      const sequence = position.sequence + 1
      const batch = { partition: own.partition, sequence, [Symbol.asyncIterator]: () => once(pageOf(letters)) }
      if (sink.guarantee === 'exactly-once') {
        const commit = async (_: Outcome): Promise<Position> => {
          position = { ...position, fence: own.fence, sequence }
          return position
        }
        await (session as ExactSession<Row>).write({ ...batch, commit }, { signal, mode: 'commit' })
      } else {
        await (session as AckSession<Row>).write(batch, { signal })
        position = { ...position, sequence }
      }
    },
    async close() {
      await session.finish?.('completed', { signal })
      await session[Symbol.asyncDispose]()
    },
  }
}

async function* once<T>(value: T): AsyncGenerator<T> {
  yield value
}

function pageOf(letters: readonly DeadLetter[]): Page<Row> {
  const keys = (): readonly RecordKey[] => letters.map(({ id }) => ({ source: [id], child: 0 }))
  return {
    count: letters.length,
    bytes: 0,
    cursor: null,
    rows: () => letters as unknown as readonly Row[],
    keys,
    slice: (from, to) => pageOf(letters.slice(from, to)),
  }
}
