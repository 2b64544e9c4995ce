import { mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { encodeJson, jsonSink, jsonSource, ndjsonSink, ndjsonSource } from '@drover/core'
import { readRows } from '../read-rows.js'
import type { Place, Store } from '../store.js'

/** A line per record. Nobody says what is in the file: its source looks. */
export function ndjson(): Store {
  const places = new Places('ndjson')
  return {
    name: 'NDJSON',
    holds: () => true,
    given,
    seed: async (sets, records) => {
      const file = places.next()
      await writeFile(file, records.map((record) => `${encodeJson(record, anyOf(sets))}\n`).join(''))
      return ndjsonSource({ path: file, key: 'id' })
    },
    place: (): Place => {
      const file = places.next()
      return { sink: ndjsonSink({ path: file }), contents: () => readRows(ndjsonSource({ path: file })) }
    },
    [Symbol.asyncDispose]: async () => places.remove(),
  }
}

/** One array. */
export function json(): Store {
  const places = new Places('json')
  return {
    name: 'JSON',
    holds: () => true,
    given,
    seed: async (sets, records) => {
      const file = places.next()
      await writeFile(file, `[${records.map((record) => encodeJson(record, anyOf(sets))).join(',')}]`)
      return jsonSource({ path: file, key: 'id' })
    },
    place: (): Place => {
      const file = places.next()
      return { sink: jsonSink({ path: file }), contents: () => readRows(jsonSource({ path: file })) }
    },
    [Symbol.asyncDispose]: async () => places.remove(),
  }
}

/** JSON has no vectors: there they are lists. */
function given(value: unknown): unknown {
  return value instanceof Float32Array
    ? Array.from(value, (one) => Number(encodeJson(new Float32Array([one])).slice(1, -1)))
    : value
}

function anyOf(sets: Parameters<Store['seed']>[0]): { anyFields: ReadonlySet<string> } {
  return { anyFields: new Set(sets.filter(({ type }) => type.kind === 'any').map(({ name }) => name)) }
}

/** Files that are nobody else's. */
export class Places {
  readonly folder: string
  #count = 0

  constructor(private readonly extension: string) {
    this.folder = mkdtempSync(path.join(tmpdir(), 'drover-fidelity-'))
  }

  next(): string {
    return path.join(this.folder, `${++this.#count}.${this.extension}`)
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
