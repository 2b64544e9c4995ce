import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteSource } from '@drover/adapter-sqlite'
import { from, memorySource, memoryStateStore, runPipeline, verify } from '@drover/core'
import { useQdrant } from '@drover-internal/qdrant-server/vitest'
import { knex } from 'knex'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pointsOf, signal, sinkOf } from './testing/sink-run.js'

describe('a table of SQLite', () => {
  const qdrant = useQdrant()
  let folder = ''
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'drover-qdrant-'))
    const database = knex({
      client: 'better-sqlite3',
      connection: { filename: join(folder, 'notes.db') },
      useNullAsDefault: true,
    })
    await database.raw(`
      CREATE TABLE notes (thread TEXT NOT NULL, seq INTEGER NOT NULL, content TEXT, score REAL, raw BLOB, embedding TEXT,
        PRIMARY KEY (thread, seq)) WITHOUT ROWID`)
    const rows = Array.from({ length: 2_500 }, (_, i) => ({
      thread: `t${i % 7}`,
      seq: i,
      content: i % 5 === 0 ? null : `content ${i}`,
      score: i / 3,
      raw: Buffer.from([i & 255]),
      embedding: JSON.stringify([Math.sin(i), Math.cos(i), i / 1000]),
    }))
    await database.batchInsert('notes', rows, 100)
    await database.destroy()
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('becomes points, once each though it is written twice, and verify finds all of it', {
    timeout: 30_000,
  }, async () => {
    const collection = qdrant.collection()
    const source = sqliteSource({ filename: join(folder, 'notes.db'), table: 'notes' })
    const sink = () =>
      sinkOf(qdrant, collection, {
        create: { vectors: { size: 3, distance: 'Cosine' }, payloadIndexes: { thread: 'keyword' } },
        vector: 'embedding',
      })
    const go = () =>
      runPipeline({ name: 'notes', source, sink: sink(), state: memoryStateStore(), batchSize: 500, parallel: 2 })
    expect((await go()).counts).toMatchObject({ written: 2500, inserted: 2500 })
    expect((await go()).counts).toMatchObject({ written: 2500, updated: 2500 })
    expect(await pointsOf(qdrant, collection)).toHaveLength(2500)
    await using session = await sink().connect({ signal })
    const actual = session.readBack?.()
    if (actual === undefined) throw new Error('The sink cannot be read back.')
    expect(await verify({ expected: source, actual, key: ['thread', 'seq'] })).toMatchObject({
      equal: true,
      expected: { rows: 2500 },
      actual: { rows: 2500 },
    })
  })
})

describe('points', () => {
  const qdrant = useQdrant()

  it('are written behind batches of which nothing is left', async () => {
    const collection = qdrant.collection()
    const create = { vectors: { dense: { size: 2, distance: 'Dot' } } } as const
    const records = Array.from({ length: 6 }, (_, id) => ({
      id,
      payload: { id },
      vectors: { dense: Float32Array.of(id, 1) },
    }))
    const report = await runPipeline({
      name: 'late points',
      source: from(memorySource({ records, key: 'id' })).pipe((point) => (point.id < 4 ? null : point)),
      sink: sinkOf(qdrant, collection, { create }),
      state: memoryStateStore(),
      batchSize: 2,
    })
    expect(report.counts).toMatchObject({ filtered: 4, written: 2 })
    expect(await pointsOf(qdrant, collection)).toHaveLength(2)
  })
})
