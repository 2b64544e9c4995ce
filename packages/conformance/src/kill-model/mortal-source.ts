import type { Page, ReadOptions, Source, SourceSession } from '@drover/core'
import type { Life } from './life.js'

/** The same source in a process that may end at every step. Pages hold `pageRecords` records at the most. */
export function mortalSource(source: Source, life: Life, pageRecords: number): Source {
  return {
    ...source,
    connect: (operation) =>
      life.call('source.connect', async () => mortalSession(await source.connect(operation), life, pageRecords)),
  }
}

function mortalSession(session: SourceSession, life: Life, pageRecords: number): SourceSession {
  life.closeLater(async () => await session[Symbol.asyncDispose]())
  const { count, partition, pushDown, split } = session
  return {
    describe: (operation) => life.call('describe', () => session.describe(operation)),
    ...(count === undefined ? {} : { count: (options) => life.call('count', () => count.call(session, options)) }),
    ...(partition === undefined
      ? {}
      : { partition: (options) => life.call('partition', () => partition.call(session, options)) }),
    ...(split === undefined ? {} : { split: (options) => life.call('split', () => split.call(session, options)) }),
    ...(pushDown === undefined ? {} : { pushDown: (filter) => pushDown.call(session, filter) }),
    read: (options) => mortalRead(session, options, life, pageRecords),
    [Symbol.asyncDispose]: async () => life.check(),
  }
}

async function* mortalRead(
  session: SourceSession,
  options: ReadOptions,
  life: Life,
  pageRecords: number,
): AsyncGenerator<Page, void, undefined> {
  await life.step('before the first page')
  const page = { ...options.page, records: Math.min(options.page.records, pageRecords) }
  for await (const one of session.read({ ...options, page })) {
    await life.step('page read')
    yield one
  }
  await life.step('after the last page')
}
