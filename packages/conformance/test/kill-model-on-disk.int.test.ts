import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  deadLetterSource,
  directoryStateStore,
  jsonSink,
  jsonSource,
  memoryAckSink,
  memorySink,
  memoryStore,
  ndjsonSink,
  ndjsonSource,
  type Page,
  type Row,
  type Sink,
  type Source,
} from '@drover/core'
import { expect, test } from 'vitest'
import { type KillModelHarness, type KillModelOptions, killModel } from '../src/index.js'
import { tempFolder } from './temp-folder.js'

const timeout = 120_000

type Stores = Omit<KillModelHarness, 'deadLetters' | typeof Symbol.asyncDispose>

/** Stores in a folder, dead letters in one too. */
async function tried(
  stores: (folder: string, records: readonly Row[]) => Promise<Stores>,
  options: Omit<KillModelOptions, 'create'> = {},
): Promise<void> {
  const create: KillModelOptions['create'] = async ({ records }) => {
    const folder = await tempFolder()
    const letters = join(folder, 'letters')
    return {
      ...(await stores(folder, records)),
      deadLetters: { open: () => letters, keys: async () => (existsSync(letters) ? await keysOf(letters) : []) },
      [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
    }
  }
  const report = await killModel({ stride: 29, create, ...options })
  expect(report.kills).toBeGreaterThan(8)
  expect(report.zombies).toBeGreaterThan(2)
}

async function keysOf(letters: string): Promise<unknown[]> {
  return (await pagesOf(deadLetterSource(letters, { key: 'id' }))).flatMap((page) =>
    page.keys().map((key) => key.source),
  )
}

async function rowsOf(source: Source): Promise<Row[]> {
  return (await pagesOf(source)).flatMap((page) => page.rows())
}

async function pagesOf(source: Source): Promise<Page[]> {
  const { signal } = new AbortController()
  await using session = await source.connect({ signal })
  const pages: Page[] = []
  const page = { records: 100, bytes: 1_000_000 }
  for await (const one of session.read({ signal, partition: { id: 'all', bounds: null }, after: null, page }))
    pages.push(one)
  return pages
}

test.each([
  ['an acknowledging sink', (store: ReturnType<typeof memoryStore>) => memoryAckSink({ store }) as Sink],
  ['an exact sink', (store: ReturnType<typeof memoryStore>) => memorySink({ store })],
] as const)(
  'runs in a directory and dead letters in a folder survive every end, with %s',
  { timeout },
  async (_, sink) => {
    await tried(async (folder) => {
      const store = memoryStore()
      return {
        openSink: () => sink(store),
        openState: () => directoryStateStore({ directory: join(folder, 'state') }),
        contents: async () => [...store.rows],
      }
    })
  },
)

test.each(['tells', 'deferred'] as const)(
  'NDJSON becomes NDJSON, wherever it ends (refusals: %s)',
  { timeout },
  async (refusals) => {
    const stores = async (folder: string, records: readonly Row[]): Promise<Stores> => {
      const [input, output] = [join(folder, 'in.ndjson'), join(folder, 'out.ndjson')]
      await writeFile(input, records.map((record) => `${JSON.stringify(record)}\n`).join(''))
      return {
        openSource: () => ndjsonSource({ path: input, key: 'id' }),
        openSink: () => ndjsonSink({ path: output, gzip: refusals === 'deferred' }),
        contents: () => rowsOf(ndjsonSource({ path: output })),
      }
    }
    await tried(stores, { refusals })
  },
)

test.each([
  ['a file', 'out.json', {}],
  ['a file per batch', 'out', { rowsOfBatch: 4 }],
] as const)('JSON becomes JSON, %s, wherever it ends', { timeout }, async (_, name, options) => {
  const stores = async (folder: string, records: readonly Row[]): Promise<Stores> => {
    const [path, output] = [join(folder, 'in.json'), join(folder, name)]
    await writeFile(path, JSON.stringify(records))
    const place = name === 'out' ? { directory: output } : { path: output }
    return {
      openSource: () => jsonSource({ path, key: 'id' }),
      openSink: () => jsonSink({ ...place, indent: 2 }),
      contents: () => rowsOf(jsonSource(place)),
    }
  }
  await tried(stores, options)
})

test('a file in two partitions is one file in the end', { timeout }, async () => {
  await tried(async (folder) => {
    const path = join(folder, 'out.ndjson')
    return { openSink: () => ndjsonSink({ path }), contents: () => rowsOf(ndjsonSource({ path })) }
  })
})
