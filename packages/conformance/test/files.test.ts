import { existsSync, readdirSync } from 'node:fs'
import { appendFile, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import {
  encodeJson,
  jsonSink,
  jsonSource,
  ndjsonSink,
  ndjsonSource,
  type RecordSchema,
  type Row,
  type Source,
} from '@drover/core'
import {
  type ExactSinkHarness,
  exactSinkSuite,
  type SourceHarness,
  sourceSuite,
  type ValueSetName,
  valueSets,
} from '../src/index.js'
import { tempFolder } from './temp-folder.js'

// A vector is a list in JSON, by decision; everything else comes back as it was.
const values = (Object.keys(valueSets) as ValueSetName[]).filter((name) => name !== 'vector')
const keys = ['int', 'bigint', 'text', 'composite', 'none'] as const

function encoder({ fields }: RecordSchema): (row: Row) => string {
  const anyFields = new Set(fields.filter(({ type }) => type.kind === 'any').map(({ name }) => name))
  return (row) => encodeJson(row, { anyFields })
}

function keyOf({ key }: RecordSchema): { key?: readonly string[] } {
  return key.length === 0 ? {} : { key }
}

for (const gzip of [false, true]) {
  sourceSuite(`NDJSON${gzip ? ', compressed' : ''}`, {
    capabilities: { keys, values, count: 'exact', unreadable: !gzip },
    create: async (schema): Promise<SourceHarness> => {
      const directory = await tempFolder()
      const path = join(directory, 'in.ndjson')
      const encode = encoder(schema)
      await writeFile(path, '')
      return {
        open: () => ndjsonSource({ path, schema, ...keyOf(schema) }),
        seed: async (rows) => {
          const text = rows.map((row) => `${encode(row)}\n`).join('')
          if (rows.length > 0) await appendFile(path, gzip ? gzipSync(text) : text)
        },
        spoil: async (record) => {
          const lines = (await readFile(path, 'utf8')).split('\n')
          const at = lines.indexOf(encode(record))
          await writeFile(path, lines.with(at, '{"id": 7').join('\n'))
          return [at + 1]
        },
        [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
      }
    },
  })
}

sourceSuite('JSON', {
  capabilities: { keys, values, count: 'exact', unreadable: true },
  create: async (schema): Promise<SourceHarness> => {
    const directory = await tempFolder()
    const path = join(directory, 'in.json')
    const encode = encoder(schema)
    const elements: string[] = []
    const save = (): Promise<void> => writeFile(path, `[${elements.join(',\n')}]\n`)
    await save()
    return {
      open: () => jsonSource({ path, schema, ...keyOf(schema) }),
      seed: async (rows) => {
        elements.push(...rows.map(encode))
        await save()
      },
      spoil: async (record) => {
        const at = elements.indexOf(encode(record))
        elements[at] = '"no record"'
        await save()
        return [at]
      },
      [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
    }
  },
})

async function rowsOf(source: Source): Promise<Row[]> {
  const { signal } = new AbortController()
  await using session = await source.connect({ signal })
  const rows: Row[] = []
  const page = { records: 1_000, bytes: 1e9 }
  for await (const one of session.read({ signal, partition: { id: 'all', bounds: null }, after: null, page }))
    rows.push(...one.rows())
  return rows
}

function holdsJson(directory: string): boolean {
  return existsSync(directory) && readdirSync(directory).some((name) => name.endsWith('.json'))
}

interface Output {
  readonly name: string
  readonly visible?: 'commit'
  /** Not tried with plain values too: another output in the same form is. */
  readonly isAlike?: boolean
  readonly sink: (directory: string, plain: boolean) => ReturnType<typeof ndjsonSink>
  readonly source: (directory: string, schema: RecordSchema) => Source | null
}

const outputs: readonly Output[] = [
  ...[false, true].map(
    (gzip): Output => ({
      name: `NDJSON${gzip ? ', compressed' : ''}`,
      isAlike: gzip,
      sink: (directory, plain) =>
        ndjsonSink({ path: join(directory, 'out.ndjson'), gzip, values: plain ? 'plain' : 'extended' }),
      source: (directory, schema) => {
        const path = join(directory, 'out.ndjson')
        return existsSync(path) ? ndjsonSource({ path, schema }) : null
      },
    }),
  ),
  ...[0, 2].map(
    (indent): Output => ({
      name: `JSON, indent ${indent}`,
      isAlike: indent > 0,
      sink: (directory, plain) =>
        jsonSink({ path: join(directory, 'out.json'), indent, values: plain ? 'plain' : 'extended' }),
      source: (directory, schema) => {
        const path = join(directory, 'out.json')
        return existsSync(path) ? jsonSource({ path, schema }) : null
      },
    }),
  ),
  {
    name: 'JSON, a file per batch',
    visible: 'commit',
    sink: (directory, plain) => jsonSink({ directory: join(directory, 'out'), values: plain ? 'plain' : 'extended' }),
    source: (directory, schema) =>
      holdsJson(join(directory, 'out')) ? jsonSource({ directory: join(directory, 'out'), schema }) : null,
  },
]

for (const { name, visible = 'finish', isAlike = false, sink, source } of outputs) {
  const create =
    (plain: boolean) =>
    async ({ schema }: { readonly schema: RecordSchema }): Promise<ExactSinkHarness> => {
      const directory = await tempFolder()
      return {
        open: () => sink(directory, plain),
        contents: async () => {
          const from = source(directory, schema)
          return from === null ? [] : await rowsOf(from)
        },
        refusable: (row) => ({ ...row, score: Number.NaN }),
        [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
      }
    }
  exactSinkSuite(name, {
    // The key of a record is nothing to a file.
    capabilities: { values, keys: ['int', 'none'], visible, readBack: true },
    create: create(false),
  })
  if (isAlike) continue
  exactSinkSuite(`${name}, plain`, {
    capabilities: { values: ['int64', 'text', 'json', 'date'], visible, readBack: true, refuses: true, tellsRow: true },
    create: create(true),
  })
}
