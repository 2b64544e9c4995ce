import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runPipeline } from '../engine/run-pipeline.js'
import { from } from '../flow/flow.js'
import { memorySource } from '../memory/memory-source.js'
import { jsonSink } from './json-sink.js'
import { jsonSource } from './json-source.js'
import { ndjsonSink } from './ndjson-sink.js'
import { ndjsonSource } from './ndjson-source.js'
import { drive, operation, records, runOnce, whole } from './testing/drive.js'
import { readAll } from './testing/read-all.js'
import { tempFolder } from './testing/temp-folder.js'

const linesOf = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('')

describe('an incremental run whose output was deleted meanwhile', () => {
  const sinks = [
    ['ndjsonSink', (folder: string) => ndjsonSink({ path: `${folder}/out` })],
    ['jsonSink', (folder: string) => jsonSink({ path: `${folder}/out` })],
  ] as const

  test.each(sinks)('warns that what was exported before is not in the new one: %s', async (_, sinkIn) => {
    const folder = tempFolder()
    const options = (count: number, again?: 'incremental' | 'full') => ({
      name: 'copy',
      source: memorySource({ records: records(count), key: 'id' }),
      sink: sinkIn(folder),
      parallel: 2,
      ...(again === undefined ? {} : { again }),
    })
    await runPipeline(options(3))
    expect((await runPipeline(options(5, 'incremental'))).warnings).toEqual([])
    rmSync(`${folder}/out`)
    const report = await runPipeline(options(6, 'incremental'))
    expect(report).toMatchObject({ status: 'completed', attempt: { counts: { written: 1 } } })
    expect(report.warnings).toEqual([
      { code: 'OUTPUT_MISSING', message: expect.stringMatching(new RegExp(`^.*${folder}/out: .*again: 'full'`)) },
    ])
    expect((await runPipeline(options(7, 'incremental'))).warnings).toEqual([])
    rmSync(`${folder}/out`)
    expect(await runPipeline(options(7, 'full'))).toMatchObject({ counts: { written: 7 }, warnings: [] })
  })

  test('is told of in each attempt, for the last one is the one with the report', async () => {
    const path = `${tempFolder()}/out.ndjson`
    await runOnce(ndjsonSink({ path }), records(2))
    rmSync(path)
    const told: string[][] = []
    const attempt = async (fence: number, finishes: boolean) => {
      const codes: string[] = []
      told.push(codes)
      await using session = await ndjsonSink({ path }).connect({ ...operation, warn: ({ code }) => codes.push(code) })
      await drive(session, records(4), { run: 'run-2', from: 2, partition: { ...whole, start: 2 }, fence })
      if (finishes) await session.finish?.('completed', operation)
    }
    await attempt(1, false)
    await attempt(2, true)
    expect(told).toEqual([['OUTPUT_MISSING'], ['OUTPUT_MISSING']])
    expect(readFileSync(path, 'utf8')).toBe(linesOf(records(4).slice(2)))
  })
})

describe('a run from file to file', () => {
  test('copies, then does nothing, then brings what is new, then all of it again', async () => {
    const folder = tempFolder()
    const rows = records(50)
    writeFileSync(`${folder}/in.ndjson`, linesOf(rows.slice(0, 30)))
    const options = {
      name: 'copy',
      source: ndjsonSource({ path: `${folder}/in.ndjson` }),
      sink: ndjsonSink({ path: `${folder}/out.ndjson` }),
      batchSize: 7,
    }
    const out = () => readFileSync(`${folder}/out.ndjson`, 'utf8')
    expect(await runPipeline(options)).toMatchObject({
      status: 'completed',
      guarantee: 'exactly-once',
      counts: { read: 30, inserted: 30 },
    })
    expect(out()).toBe(linesOf(rows.slice(0, 30)))
    expect(existsSync(`${folder}/.drover`)).toBe(true)
    appendFileSync(`${folder}/in.ndjson`, linesOf(rows.slice(30)))
    expect((await runPipeline(options)).status).toBe('nothing')
    expect((await runPipeline({ ...options, again: 'incremental' })).counts.read).toBe(20)
    expect(out()).toBe(linesOf(rows))
    expect((await runPipeline({ ...options, again: 'incremental' })).counts.read).toBe(0)
    expect(out()).toBe(linesOf(rows))
    expect((await runPipeline({ ...options, again: 'full' })).counts.read).toBe(50)
    expect(out()).toBe(linesOf(rows))
  })

  test('goes on where the same paths are written in another way, and not where they are others', async () => {
    const folder = relative(process.cwd(), tempFolder())
    mkdirSync(`${folder}/other`)
    for (const place of [folder, `${folder}/other`]) {
      writeFileSync(`${place}/in.ndjson`, linesOf(records(40)))
      writeFileSync(`${place}/in.json`, JSON.stringify(records(40)))
    }
    const kinds = [
      (path: string) => ({
        source: ndjsonSource({ path: `${path}/in.ndjson` }),
        sink: ndjsonSink({ path: `${path}/out.ndjson` }),
      }),
      (path: string) => ({
        source: jsonSource({ path: `${path}/in.json` }),
        sink: jsonSink({ directory: `${path}/out/` }),
      }),
    ]
    for (const [i, ends] of kinds.entries()) {
      const more = { name: `copy ${i}`, batchSize: 10 }
      expect((await runPipeline({ ...ends(folder), ...more, stopAfter: { records: 10 } })).status).toBe('stopped')
      const other = { ...ends(folder), source: ends(`${folder}/other`).source }
      await expect(runPipeline({ ...other, ...more })).rejects.toMatchObject({ code: 'PIPELINE_CHANGED' })
      expect(await runPipeline({ ...ends(`./${folder}/other//..`), ...more })).toMatchObject({
        status: 'completed',
        attempt: { resumed: true, counts: { read: 30 } },
      })
    }
  })

  test('stops, goes on, and shows the output only when it is whole', async () => {
    const folder = tempFolder()
    const options = {
      name: 'copy',
      source: memorySource({ records: records(100), key: 'id' }),
      sink: jsonSink({ path: `${folder}/out.json`, indent: 1 }),
      batchSize: 10,
    }
    for (let stops = 0; stops < 3; stops++) {
      expect((await runPipeline({ ...options, stopAfter: { records: 30 } })).status).toBe('stopped')
      expect(existsSync(`${folder}/out.json`)).toBe(false)
    }
    expect(await runPipeline(options)).toMatchObject({
      status: 'completed',
      counts: { read: 100 },
      attempt: { counts: { read: 10 } },
    })
    expect((await readAll(jsonSource({ path: `${folder}/out.json` }))).rows).toEqual(records(100))
  })

  test('writes partitions side by side, and a file per batch', async () => {
    const folder = tempFolder()
    for (const sink of [jsonSink({ path: `${folder}/out.json` }), jsonSink({ directory: `${folder}/many` })]) {
      const source = memorySource({ records: records(100), key: 'id' })
      await runPipeline({ name: sink.name, source, sink, batchSize: 10, parallel: 4 })
    }
    expect((await readAll(jsonSource({ path: `${folder}/out.json` }))).rows).toEqual(records(100))
    const { rows } = await readAll(jsonSource({ directory: `${folder}/many` }))
    expect(rows).toEqual(records(100))
  })

  test('leaves out the one record that cannot be written, and those that cannot be read', async () => {
    const folder = tempFolder()
    writeFileSync(`${folder}/in.ndjson`, `${linesOf(records(5))}no JSON\n${linesOf(records(2))}`)
    const source = from(ndjsonSource({ path: `${folder}/in.ndjson` })).pipe((row) =>
      row.id === 4 ? { ...row, bad: () => 1 } : row,
    )
    const report = await runPipeline({
      name: 'copy',
      source,
      sink: ndjsonSink({ path: `${folder}/out.ndjson` }),
      maxRejected: 2,
      deadLetters: `${folder}/dead`,
    })
    expect(report.counts).toMatchObject({ read: 8, written: 6, rejected: 2 })
    expect(report.rejected.map(({ stage, code }) => `${stage} ${code}`).sort()).toEqual([
      'read RECORD_UNREADABLE',
      'write RECORD_REFUSED',
    ])
    const { rows } = await readAll(ndjsonSource({ path: `${folder}/out.ndjson` }))
    expect(rows.map((row) => row.id)).toEqual([1, 2, 3, 5, 1, 2])
  })

  test('refuses a run whose values plain JSON would lose', async () => {
    const folder = tempFolder()
    const source = memorySource({ records: [{ id: 1, bytes: new Uint8Array(2) }], key: 'id' })
    const sink = ndjsonSink({ path: `${folder}/out.ndjson`, values: 'plain' })
    await expect(runPipeline({ name: 'copy', source, sink })).rejects.toMatchObject({
      code: 'FIDELITY_LOSS',
      message: expect.stringContaining('plain JSON has no bytes'),
    })
    expect(existsSync(`${folder}/out.ndjson`)).toBe(false)
  })
})
