import { postgresSource } from '@drover/adapter-postgres'
import { memorySink, memoryStateStore, type Report, type Row, runPipeline, type Source, verify } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { useQdrant } from '@drover-internal/qdrant-server/vitest'
import { beforeAll, expect, it } from 'vitest'
import type { QdrantSinkOptions } from './sink-options.js'
import { failure, pointsOf, signal, sinkOf } from './testing/sink-run.js'

describePostgres('a table of PostgreSQL', () => {
  const database = useDatabase()
  const qdrant = useQdrant()

  beforeAll(async () => {
    // Without pgvector: as people keep embeddings who do not have it.
    await database.query(`
      CREATE TABLE notes (thread text, seq bigint, point text, content text, score numeric(38,10), written timestamptz, tags text[],
        meta jsonb, single float4[], double float8[], text_form text, PRIMARY KEY (thread, seq));
      INSERT INTO notes
        SELECT 't' || i % 3, 9007199254740990 + i, i::text, 'note ' || i, i / 3.0, '2024-02-29T23:59:59.123456Z'::timestamptz + i * interval '1 s',
          ARRAY['a', NULL], jsonb_build_object('big', 9007199254740993 + i), ARRAY[i / 3.0, -0.1, 1e-40]::float4[], ARRAY[i / 3.0, -0.1, 1]::float8[],
          '[' || i || ',0.5,-1]'
        FROM generate_series(1, 300) AS i;
      CREATE TABLE bad AS SELECT * FROM notes WHERE seq <= 9007199254741000;
      ALTER TABLE bad ADD PRIMARY KEY (thread, seq);
      UPDATE bad SET single = ARRAY[1, 'NaN', 3]::float4[] WHERE point = '2';
      UPDATE bad SET single = ARRAY[1, 'Infinity', 3]::float4[] WHERE point = '3';
      UPDATE bad SET single = ARRAY[1, 2]::float4[] WHERE point = '4';
      UPDATE bad SET single = ARRAY[1, NULL, 3]::float4[] WHERE point = '5';
      UPDATE bad SET single = ARRAY[[1, 2, 3]]::float4[] WHERE point = '6';
      UPDATE bad SET content = ' ' WHERE point = '7';
      UPDATE bad SET point = 'no-id' WHERE point = '8';
      UPDATE bad SET point = '18446744073709551616' WHERE point = '9';
      UPDATE bad SET point = 'F47AC10B-58CC-4372-A567-0E02B2C3D479' WHERE point = '10';`)
  })

  function source(table: string): Source<Row> {
    return postgresSource<Row>({ connection: database.url, table })
  }

  interface Copied {
    readonly report: Report
    /** What was refused, by key. */
    readonly refused: ReadonlyMap<string, string>
  }

  async function copy(table: string, collection: string, options: Partial<QdrantSinkOptions<Row>>): Promise<Copied> {
    const letters = memorySink()
    const report = await runPipeline({
      name: 'notes',
      source: source(table),
      sink: sinkOf(qdrant, collection, { create: { vectors: { size: 3, distance: 'Dot' } }, ...options }),
      state: memoryStateStore(),
      deadLetters: letters,
      maxRejected: 100,
      batchSize: 64,
    })
    const refused = letters.store.rows.map((letter) => {
      const { key, message } = letter as { key: unknown[]; message: string }
      return [key.join(), message] as const
    })
    return { report, refused: new Map(refused) }
  }

  it.each(['single', 'double', 'text_form'])(
    'gives points the vector of its column %s, bit for bit',
    async (vector) => {
      const collection = qdrant.collection()
      const { report } = await copy('notes', collection, { vector })
      expect(report.counts).toMatchObject({ read: 300, written: 300, rejected: 0 })
      await using session = await sinkOf(qdrant, collection, { vector }).connect({ signal })
      const actual = session.readBack?.()
      if (actual === undefined) throw new Error('The sink cannot be read back.')
      const report2 = await verify({ expected: source('notes'), actual, key: ['thread', 'seq'] })
      expect(report2).toMatchObject({ equal: true, actual: { rows: 300 } })
      const points = await pointsOf(qdrant, collection)
      const [first] = points.filter(({ payload }) => (payload as Row).content === 'note 1')
      const wanted = { single: [1 / 3, -0.1, 1e-40], double: [1 / 3, -0.1, 1], text_form: [1, 0.5, -1] }[vector] ?? []
      expect(Float32Array.from((first?.vector ?? []) as number[])).toEqual(Float32Array.from(wanted))
      expect(first?.payload).toMatchObject({ thread: 't1', written: '2024-03-01T00:00:00.123456Z', tags: ['a', null] })
    },
  )

  it('gives points the vector of a text that is embedded', async () => {
    const collection = qdrant.collection()
    const asked: string[] = []
    const embed = async (texts: readonly string[]): Promise<number[][]> => {
      asked.push(...texts)
      return texts.map((text) => [text.length, 0.1, -1])
    }
    const { report } = await copy('notes', collection, { vector: {}, embed, embedText: 'content', embedVector: '' })
    expect(report.counts).toMatchObject({ written: 300 })
    expect(new Set(asked).size).toBe(300)
    const points = await pointsOf(qdrant, collection)
    expect(points.every(({ vector }) => Math.fround((vector as number[])[1] ?? 0) === Math.fround(0.1))).toBe(true)
    expect(points.map(({ vector }) => (vector as number[])[0]).toSorted()[0]).toBe('note 1'.length)
  })

  it('leaves out each record with no vector for a point, under its key, and says what is wrong with it', async () => {
    const collection = qdrant.collection()
    const { report, refused } = await copy('bad', collection, { vector: 'single' })
    expect(report.counts).toMatchObject({ read: 10, written: 5, rejected: 5 })
    expect([...refused.keys()].toSorted()).toEqual([
      't0,9007199254740993',
      't0,9007199254740996',
      't1,9007199254740994',
      't2,9007199254740992',
      't2,9007199254740995',
    ])
    expect(refused.get('t2,9007199254740992')).toContain('at vector[1], is the number NaN')
    expect(refused.get('t0,9007199254740993')).toContain('Infinity')
    expect(refused.get('t1,9007199254740994')).toContain('a vector of 2 numbers. The collection has 3')
    expect(refused.get('t2,9007199254740995')).toContain('null at place 1')
    expect(await pointsOf(qdrant, collection)).toHaveLength(5)
  })

  it('leaves out each record whose id is neither one of 64 bits nor a UUID, under its key', async () => {
    const collection = qdrant.collection()
    const id = ({ point }: Row): string | bigint =>
      /^\d+$/.test(String(point)) ? BigInt(String(point)) : String(point)
    const { report, refused } = await copy('bad', collection, { vector: {}, id })
    expect(report.counts).toMatchObject({ written: 8, rejected: 2 })
    expect([...refused.keys()].toSorted()).toEqual(['t0,9007199254740999', 't2,9007199254740998'])
    expect(refused.get('t2,9007199254740998')).toContain('"no-id"')
    expect(refused.get('t0,9007199254740999')).toContain('18446744073709551616')
    const ids = (await pointsOf(qdrant, collection)).map((point) => point.id)
    expect(ids).toContain('f47ac10b-58cc-4372-a567-0e02b2c3d479')
  })

  it('is refused before the first write where the model has another number of dimensions than the collection', async () => {
    const collection = qdrant.collection()
    const embed = Object.assign(async (texts: readonly string[]) => texts.map(() => [1, 2]), { dimensions: 2 })
    const refusal = await failure(
      copy('notes', collection, { vector: {}, embed, embedText: 'content', embedVector: '' }),
    )
    expect(refusal).toMatchObject({ code: 'SINK_NOT_READY' })
    expect(String(refusal)).toContain('takes vectors of 3 numbers, and what embed makes has 2')
  })
})
