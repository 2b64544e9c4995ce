import { readdirSync, readFileSync } from 'node:fs'
import type { ExactSink } from '../../contracts/sink.js'
import type { Row } from '../../contracts/values.js'
import { jsonSink } from '../json-sink.js'
import { decodeJson } from '../json-values.js'
import { ndjsonSink } from '../ndjson-sink.js'
import { type Drive, records, runOnce, whole } from './drive.js'

/** What every scenario writes. */
export const rows = records(8)
const two = [
  { id: 'a', bounds: null },
  { id: 'b', bounds: null },
]

/** An output, and how it comes about. */
export interface Scenario {
  readonly name: string
  readonly sink: (folder: string) => ExactSink
  /** What is there before the first attempt. */
  readonly before?: (folder: string) => Promise<void>
  readonly drives?: readonly Partial<Drive>[]
  readonly read: (folder: string) => readonly unknown[]
  readonly expected: readonly Row[]
  /** What may be seen while the run is not complete. */
  readonly meanwhile: (seen: readonly unknown[]) => boolean
}

export const ndjsonIn = (folder: string): unknown[] =>
  readdirSync(folder).includes('out.ndjson')
    ? readFileSync(`${folder}/out.ndjson`, 'utf8')
        .split(/(?<=\n)/)
        .map((line) => decodeJson(line))
    : []
const jsonIn = (folder: string): unknown[] =>
  readdirSync(folder).includes('out.json') ? (decodeJson(readFileSync(`${folder}/out.json`, 'utf8')) as unknown[]) : []
const filesIn = (folder: string): unknown[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .flatMap((name) => decodeJson(readFileSync(`${folder}/${name}`, 'utf8')) as unknown[])
const enveloped = { member: 'records', before: { metadata: { n: 1 } } }
const envelopeIn = (folder: string): unknown[] => {
  if (!readdirSync(folder).includes('out.json')) return []
  const held = decodeJson(readFileSync(`${folder}/out.json`, 'utf8')) as { metadata: { n: number }; records: unknown[] }
  return held.metadata.n === 1 ? held.records : ['other metadata']
}
const isNothing = (seen: readonly unknown[]) => seen.length === 0

/** Every kind of output, from nothing and over what earlier runs left. */
export const scenarios: readonly Scenario[] = [
  {
    name: 'NDJSON',
    sink: (folder) => ndjsonSink({ path: `${folder}/out.ndjson` }),
    read: ndjsonIn,
    expected: rows,
    meanwhile: isNothing,
  },
  {
    name: 'NDJSON in two partitions',
    sink: (folder) => ndjsonSink({ path: `${folder}/out.ndjson` }),
    drives: two.map((partition) => ({ partition })),
    read: ndjsonIn,
    expected: [...rows, ...rows],
    meanwhile: isNothing,
  },
  {
    name: 'NDJSON over an older run and file',
    sink: (folder) => ndjsonSink({ path: `${folder}/out.ndjson` }),
    before: (folder) =>
      runOnce(ndjsonSink({ path: `${folder}/out.ndjson` }), rows.slice(0, 1), { run: 'run-0', fence: 9 }),
    read: ndjsonIn,
    expected: rows,
    meanwhile: (seen) => seen.length === 1,
  },
  {
    name: 'NDJSON, incremental',
    sink: (folder) => ndjsonSink({ path: `${folder}/out.ndjson` }),
    before: (folder) => runOnce(ndjsonSink({ path: `${folder}/out.ndjson` }), rows.slice(0, 3), { run: 'run-0' }),
    drives: [{ from: 3, partition: { ...whole, start: 3 } }],
    read: ndjsonIn,
    expected: rows,
    meanwhile: (seen) => seen.length === 3,
  },
  {
    name: 'a JSON array',
    sink: (folder) => jsonSink({ path: `${folder}/out.json` }),
    drives: two.map((partition) => ({ partition })),
    read: jsonIn,
    expected: [...rows, ...rows],
    meanwhile: isNothing,
  },
  {
    name: 'a JSON array, incremental',
    sink: (folder) => jsonSink({ path: `${folder}/out.json`, indent: 2 }),
    before: (folder) => runOnce(jsonSink({ path: `${folder}/out.json` }), rows.slice(0, 3), { run: 'run-0' }),
    drives: [{ from: 3, partition: { ...whole, start: 3 } }],
    read: jsonIn,
    expected: rows,
    meanwhile: (seen) => seen.length === 3,
  },
  {
    name: 'a file per batch',
    sink: (folder) => jsonSink({ directory: folder }),
    read: filesIn,
    expected: rows,
    meanwhile: (seen) => [0, 3, 6, 8].includes(seen.length),
  },
  {
    name: 'a file per batch over more files of an older run',
    sink: (folder) => jsonSink({ directory: folder }),
    before: (folder) => runOnce(jsonSink({ directory: folder }), rows, { run: 'run-0', batchSize: 1 }),
    read: filesIn,
    expected: rows,
    meanwhile: () => true,
  },
  {
    name: 'an array in an envelope, incremental',
    sink: (folder) => jsonSink({ path: `${folder}/out.json`, envelope: enveloped, indent: 2 }),
    before: (folder) =>
      runOnce(jsonSink({ path: `${folder}/out.json`, envelope: enveloped, indent: 2 }), rows.slice(0, 3), {
        run: 'run-0',
      }),
    drives: [{ from: 3, partition: { ...whole, start: 3 } }],
    read: envelopeIn,
    expected: rows,
    meanwhile: (seen) => seen.length === 3,
  },
]
