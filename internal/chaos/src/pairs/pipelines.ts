import { readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sqliteSink, sqliteSource } from '@drover/adapter-sqlite'
import type { CrashLife } from '@drover/conformance/crash'
import {
  directoryStateStore,
  encodeJson,
  jsonSink,
  jsonSource,
  ndjsonSink,
  ndjsonSource,
  type Row,
  type Sink,
  sink,
} from '@drover/core'
import { type Head, herd } from '../herd.js'
import { rowsOf } from '../read-source.js'
import { headsIn, rowsIn, writeHerd } from '../sqlite-files.js'
import { type PipelineStores, pipelinePair } from './pipeline-pair.js'

/** Any life may use the other driver: what one left, the other goes on with. */
function driver(life: CrashLife) {
  return { driver: life.chance < 0.5 ? 'better-sqlite3' : 'sqlite3' } as const
}

export const fromSqlite = {
  prepare: async (directory, random) => writeHerd(join(directory, 'herd.db'), herd(random)),
  heads: async (directory) => headsIn(join(directory, 'herd.db')),
  source: (directory, life) => sqliteSource({ filename: join(directory, 'herd.db'), table: 'heads', ...driver(life) }),
} satisfies Partial<PipelineStores>

const fromNdjson = {
  prepare: async (directory, random) => {
    const lines = herd(random).map((head) => `${encodeJson(head)}\n`)
    writeFileSync(join(directory, 'herd.ndjson'), lines.join(''))
  },
  heads: async (directory) => (await rowsOf(ndjsonSource({ path: join(directory, 'herd.ndjson') }))) as Head[],
  source: (directory) => ndjsonSource({ path: join(directory, 'herd.ndjson'), key: 'id' }),
} satisfies Partial<PipelineStores>

export function toSqlite(file: string) {
  return {
    sink: (directory: string, life: CrashLife) =>
      sqliteSink({ filename: join(directory, file), table: 'arrived', ...driver(life) }),
    rows: async (directory: string) => rowsIn(join(directory, file), 'SELECT * FROM arrived'),
  }
}

/** A file per call, put in place as a whole, as a document store would keep what it was sent: by the ids. */
function toFunction(directory: string): Sink {
  let calls = 0
  const write = async (rows: readonly Row[], { ids }: { readonly ids: readonly string[] }): Promise<void> => {
    const name = join(directory, `sent-${process.pid}-${++calls}`)
    writeFileSync(name, encodeJson(rows.map((row, i) => ({ id: ids[i], row }))))
    renameSync(name, `${name}.json`)
  }
  return sink<Row>({ name: 'function', guarantee: 'idempotent', inFlight: 3, write })
}

async function sentTo(directory: string): Promise<Row[]> {
  const byId = new Map<unknown, Row>()
  for (const name of readdirSync(directory).filter((file) => file.startsWith('sent-') && file.endsWith('.json'))) {
    for (const { id, row } of (await rowsOf(jsonSource({ path: join(directory, name) }))) as {
      id: unknown
      row: Row
    }[]) {
      byId.set(id, row)
    }
  }
  return [...byId.values()]
}

export const pipelines = {
  'sqlite-sqlite': pipelinePair({ ...fromSqlite, ...toSqlite('copy.db'), parallel: 2 }),
  'sqlite-itself': pipelinePair({ ...fromSqlite, ...toSqlite('herd.db') }),
  'sqlite-ndjson': pipelinePair({
    ...fromSqlite,
    sink: (directory) => ndjsonSink({ path: join(directory, 'out', 'herd.ndjson.gz'), gzip: true }),
    rows: (directory) => rowsOf(ndjsonSource({ path: join(directory, 'out', 'herd.ndjson.gz') })),
    parallel: 2,
  }),
  'sqlite-json-files': pipelinePair({
    ...fromSqlite,
    sink: (directory) => jsonSink({ directory: join(directory, 'out') }),
    rows: (directory) => rowsOf(jsonSource({ directory: join(directory, 'out') })),
  }),
  'ndjson-json': pipelinePair({
    ...fromNdjson,
    sink: (directory) => jsonSink({ path: join(directory, 'out.json'), indent: 2 }),
    rows: (directory) => rowsOf(jsonSource({ path: join(directory, 'out.json') })),
  }),
  'ndjson-sqlite': pipelinePair({ ...fromNdjson, ...toSqlite('copy.db') }),
  'sqlite-function': pipelinePair({
    ...fromSqlite,
    sink: toFunction,
    state: (directory) => directoryStateStore({ directory: join(directory, 'state') }),
    rows: sentTo,
  }),
}
