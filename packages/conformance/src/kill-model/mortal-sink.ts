import type { AckSession, Batch, CommitBatch, ExactSession, Page, Row, Sink } from '@drover/core'
import type { Life } from './life.js'
import { mortalStateStore } from './mortal-state-store.js'
import { type Refusals, RefusalWatch } from './refusals.js'

export interface MortalSinkOptions {
  /** Rows that the store will not take, and how it says so. */
  readonly refusals?: Refusals | undefined
  /** The sink ends each batch after so many rows, as one whose row group is full. */
  readonly rowsOfBatch?: number | undefined
  /** Says in front of each label which sink it is. @default '' */
  readonly label?: string
}

/** The same sink in a process that may end at every step. */
export function mortalSink(sink: Sink, life: Life, options: MortalSinkOptions = {}): Sink {
  const { label = '' } = options
  if (sink.guarantee !== 'exactly-once') {
    return {
      ...sink,
      connect: (operation) =>
        life.call(`${label}sink.connect`, async () => mortalAckSession(await sink.connect(operation), life, options)),
    }
  }
  const { stateStore } = sink
  return {
    ...sink,
    connect: (operation) =>
      life.call(`${label}sink.connect`, async () => mortalExactSession(await sink.connect(operation), life, options)),
    ...(stateStore === undefined ? {} : { stateStore: () => mortalStateStore(stateStore.call(sink), life) }),
  }
}

function mortalExactSession(session: ExactSession, life: Life, options: MortalSinkOptions): ExactSession {
  const { label = '' } = options
  return {
    ...sharedBy(session, life, label),
    claim: (claim, operation) => life.call(`${label}claim`, () => session.claim(claim, operation)),
    write: (batch, operation) =>
      life.call(`${label}${operation.mode === 'probe' ? 'probe' : 'write'}`, () =>
        life.during('write', () => session.write(mortalCommitBatch(batch, life, options, operation.mode), operation)),
      ),
  }
}

function mortalAckSession(session: AckSession, life: Life, options: MortalSinkOptions): AckSession {
  const { label = '' } = options
  return {
    ...sharedBy(session, life, label),
    write: (batch, operation) =>
      life.call(`${label}write`, () => {
        const watch = new RefusalWatch(options.refusals)
        const pages = (): AsyncIterator<Page> => mortalPages(batch, life, options, watch, true)
        const { partition, sequence } = batch
        return life.during('write', () =>
          session.write({ partition, sequence, [Symbol.asyncIterator]: pages }, operation),
        )
      }),
  }
}

function sharedBy(session: ExactSession | AckSession, life: Life, label: string): Omit<AckSession, 'write'> {
  life.closeLater(async () => await session[Symbol.asyncDispose]())
  const { check, prepare, readBack, heldBytes, finish } = session
  return {
    ...(check === undefined ? {} : { check: (schema) => check.call(session, schema) }),
    ...(prepare === undefined
      ? {}
      : {
          prepare: (schema, operation) => life.call(`${label}prepare`, () => prepare.call(session, schema, operation)),
        }),
    ...(readBack === undefined ? {} : { readBack: () => readBack.call(session) }),
    ...(heldBytes === undefined ? {} : { heldBytes: () => heldBytes.call(session) }),
    ...(finish === undefined
      ? {}
      : {
          finish: (outcome, operation) => life.call(`${label}finish`, () => finish.call(session, outcome, operation)),
        }),
    [Symbol.asyncDispose]: async () => life.check(),
  }
}

function mortalCommitBatch(
  batch: CommitBatch<Row>,
  life: Life,
  options: MortalSinkOptions,
  mode: 'commit' | 'probe',
): CommitBatch<Row> {
  const watch = new RefusalWatch(options.refusals)
  return {
    partition: batch.partition,
    sequence: batch.sequence,
    [Symbol.asyncIterator]: () => mortalPages(batch, life, options, watch, mode === 'probe'),
    commit: async (outcome) => {
      const commit = await life.during('commit', () =>
        life.call(`${options.label ?? ''}commit`, () => batch.commit(outcome)),
      )
      watch.settle()
      return commit
    },
  }
}

/** The pages of a batch; in a probe what is deferred comes out behind the last one. */
async function* mortalPages(
  batch: Batch<Row>,
  life: Life,
  { rowsOfBatch = Number.POSITIVE_INFINITY, label = '' }: MortalSinkOptions,
  watch: RefusalWatch,
  settles: boolean,
): AsyncGenerator<Page, void, undefined> {
  let rows = 0
  for await (const page of batch) {
    await life.step(`${label}page to write`)
    watch.see(page)
    yield page
    rows += page.rows().length
    if (rows >= rowsOfBatch) break
  }
  if (settles) watch.settle()
  await life.step(`after the ${label}pages to write`)
}
