import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { Row } from '../contracts/values.js'
import { JsonLinesPage } from './json-lines-page.js'
import { encodeJson } from './json-values.js'
import { ndjsonSink } from './ndjson-sink.js'
import { batchOf, drive, driveDefaults, operation, pageOf, records, runOnce, startOf, whole } from './testing/drive.js'
import { tempFolder } from './testing/temp-folder.js'

const linesOf = (rows: readonly Row[]): string => rows.map((row) => `${encodeJson(row)}\n`).join('')
const partition = (id: string, start?: number) => ({ id, bounds: null, ...(start === undefined ? {} : { start }) })

describe('ndjsonSink', () => {
  test('writes a record per line, and nothing else beside its state', async () => {
    const folder = tempFolder()
    await runOnce(ndjsonSink({ path: `${folder}/out.ndjson` }), records(10))
    expect(readFileSync(`${folder}/out.ndjson`, 'utf8')).toBe(linesOf(records(10)))
    expect(readdirSync(folder).sort()).toEqual(['.drover', 'out.ndjson'])
    const staging = `${folder}/.drover/files/out%2endjson/all`
    expect(readdirSync(staging).every((name) => name.endsWith('.json'))).toBe(true)
  })

  test('makes the folders that are missing, and a file of nothing for no records', async () => {
    const folder = tempFolder()
    await runOnce(ndjsonSink({ path: `${folder}/a/b/out.ndjson` }), [])
    expect(readFileSync(`${folder}/a/b/out.ndjson`, 'utf8')).toBe('')
  })

  test('leaves an older file as it is until the run is complete', async () => {
    const path = `${tempFolder()}/out.ndjson`
    writeFileSync(path, 'old\n')
    await using session = await ndjsonSink({ path }).connect(operation)
    await drive(session, records(4))
    await session.finish?.('stopped', operation)
    expect(readFileSync(path, 'utf8')).toBe('old\n')
    await session.finish?.('completed', operation)
    expect(readFileSync(path, 'utf8')).toBe(linesOf(records(4)))
  })

  test('finishes once, however often it is told', async () => {
    const path = `${tempFolder()}/out.ndjson`
    const sink = ndjsonSink({ path })
    await runOnce(sink, records(4))
    const { ino } = statSync(path)
    await using session = await sink.connect(operation)
    expect(await session.claim({ run: 'run-1', partition: whole, fence: 2 }, operation)).toMatchObject({
      done: true,
      sequence: 2,
    })
    await session.finish?.('completed', operation)
    await session.finish?.('completed', operation)
    expect(statSync(path).ino).toBe(ino)
  })

  test('refuses to be finished before its partitions have ended', async () => {
    const path = `${tempFolder()}/out.ndjson`
    await using session = await ndjsonSink({ path }).connect(operation)
    await session.claim({ run: 'run-1', partition: whole, fence: 1 }, operation)
    await expect(session.finish?.('completed', operation)).rejects.toMatchObject({ code: 'CONTRACT_BROKEN' })
    expect(existsSync(path)).toBe(false)
  })

  test('joins partitions in their order, also those of other sessions', async () => {
    const path = `${tempFolder()}/out.ndjson`
    const sink = ndjsonSink({ path })
    const rows = records(9)
    for (const id of ['10', '2']) {
      await using other = await sink.connect(operation)
      await drive(other, rows, {
        partition: partition(id),
        from: id === '2' ? 3 : 6,
        ...(id === '2' ? { batchSize: 6 } : {}),
      })
    }
    await using session = await sink.connect(operation)
    await drive(session, rows.slice(0, 3), { partition: partition('1') })
    await session.finish?.('completed', operation)
    expect(readFileSync(path, 'utf8')).toBe(linesOf([...rows.slice(0, 3), ...rows.slice(3), ...rows.slice(6)]))
  })

  test('writes partitions side by side', async () => {
    const path = `${tempFolder()}/out.ndjson`
    await using session = await ndjsonSink({ path }).connect(operation)
    const parts = [records(7), records(5), records(11)]
    await Promise.all(parts.map((rows, i) => drive(session, rows, { partition: partition(`p${i}`) })))
    await session.finish?.('completed', operation)
    expect(readFileSync(path, 'utf8')).toBe(parts.map(linesOf).join(''))
  })

  test('appends what an incremental run brings, after a line that had no end, too', async () => {
    const path = `${tempFolder()}/out.ndjson`
    const rows = records(10)
    await runOnce(ndjsonSink({ path }), rows.slice(0, 4))
    writeFileSync(path, linesOf(rows.slice(0, 4)).trimEnd())
    await runOnce(ndjsonSink({ path, onExisting: 'error' }), rows, {
      run: 'run-2',
      from: 4,
      partition: partition('all', 4),
    })
    expect(readFileSync(path, 'utf8')).toBe(linesOf(rows))
    await runOnce(ndjsonSink({ path }), rows, { run: 'run-3', from: 10, partition: partition('all', 10) })
    expect(readFileSync(path, 'utf8')).toBe(linesOf(rows))
    await runOnce(ndjsonSink({ path }), rows.slice(0, 2), { run: 'run-4' })
    expect(readFileSync(path, 'utf8')).toBe(linesOf(rows.slice(0, 2)))
  })

  test('does not overwrite what another program appended during an incremental run', async () => {
    const path = `${tempFolder()}/out.ndjson`
    await runOnce(ndjsonSink({ path }), records(2))
    await using session = await ndjsonSink({ path }).connect(operation)
    await drive(session, records(4), { run: 'run-2', from: 2, partition: partition('all', 2) })
    writeFileSync(path, 'theirs\n', { flag: 'a' })
    await expect(session.finish?.('completed', operation)).rejects.toMatchObject({ code: 'SINK_NOT_READY' })
    expect(readFileSync(path, 'utf8')).toBe(`${linesOf(records(2))}theirs\n`)
  })

  test('compresses with gzip, over resumed sessions, partitions and incremental runs', async () => {
    const path = `${tempFolder()}/out.ndjson.gz`
    const sink = ndjsonSink({ path, gzip: true })
    const rows = records(20)
    for (const fence of [1, 2]) {
      await using session = await sink.connect(operation)
      const stop = (commit: { sequence: number }) => {
        if (commit.sequence === fence * 2) throw new Error('stopped')
      }
      await expect(drive(session, rows.slice(0, 12), { fence, onCommit: stop })).rejects.toThrow('stopped')
    }
    await runOnce(sink, rows.slice(0, 12), { fence: 3 })
    expect(gunzipSync(readFileSync(path)).toString()).toBe(linesOf(rows.slice(0, 12)))
    await runOnce(sink, rows, { run: 'run-2', from: 12, partition: partition('all', 12) })
    expect(gunzipSync(readFileSync(path)).toString()).toBe(linesOf(rows))
    writeFileSync(path, gzipSync('{"a":1}'))
    await runOnce(sink, rows.slice(0, 1), { run: 'run-3', partition: partition('all', 0) })
    expect(gunzipSync(readFileSync(path)).toString()).toBe(`{"a":1}\n${linesOf(rows.slice(0, 1))}`)
  })

  test('does not append plain lines to a compressed file', async () => {
    const path = `${tempFolder()}/out.ndjson`
    writeFileSync(path, gzipSync('{}\n'))
    await expect(runOnce(ndjsonSink({ path }), records(1), { partition: partition('all', 1) })).rejects.toMatchObject({
      code: 'SINK_NOT_READY',
      message: expect.stringContaining('gzip'),
    })
  })

  test('keeps large records and batches, and the order of pages', async () => {
    const path = `${tempFolder()}/out.ndjson`
    const rows = Array.from({ length: 300 }, (_, id) => ({ id, text: 'ü'.repeat(id * 100) }))
    rows[7] = { id: 7, text: '😀'.repeat(1_500_000) }
    await runOnce(ndjsonSink({ path }), rows, { batchSize: 100 })
    expect(readFileSync(path, 'utf8')).toBe(linesOf(rows))
  })

  test('passes JSON lines on as they are', async () => {
    const path = `${tempFolder()}/out.ndjson`
    const sink = ndjsonSink({ path, values: 'plain' })
    const lines = Buffer.from('{"id": 1}\n{"id": 2}\n{"id":{"$numberLong":"3"}}\n')
    const page = (tagged: boolean) => new JsonLinesPage({ lines, count: 3, cursor: 3, tagged, keys: () => [] })
    for (const [fence, tagged] of [false, true].entries()) {
      await using session = await sink.connect(operation)
      const run = `run-${fence}`
      const position = startOf(await session.claim({ run, partition: whole, fence: 1 }, operation), {
        ...driveDefaults,
        run,
      })
      const batch = batchOf(
        position,
        [1, 2, 3].map((id) => ({ id })),
        { done: true },
      )
      const pages = async function* () {
        yield page(tagged)
      }
      await session.write({ ...batch, [Symbol.asyncIterator]: pages }, { ...operation, mode: 'commit' })
      await session.finish?.('completed', operation)
      // Where tags may be inside, plain values have to be looked at.
      expect(readFileSync(path, 'utf8')).toBe(tagged ? '{"id":1}\n{"id":2}\n{"id":3}\n' : lines.toString())
    }
  })

  test('takes pages without rows, and batches without pages', async () => {
    const path = `${tempFolder()}/out.ndjson`
    await using session = await ndjsonSink({ path }).connect(operation)
    let position = startOf(await session.claim({ run: 'run-1', partition: whole, fence: 1 }, operation), driveDefaults)
    for (const pages of [[pageOf([], 5)], [], [pageOf(records(1), 6)], []]) {
      const rows = pages.flatMap((page) => [...page.rows()])
      const batch = batchOf(position, rows, { done: false, onCommit: (commit) => (position = commit) })
      await session.write(
        {
          ...batch,
          async *[Symbol.asyncIterator]() {
            yield* pages
          },
        },
        { ...operation, mode: 'commit' },
      )
    }
    const last = batchOf(position, [], { done: true })
    await session.write(last, { ...operation, mode: 'commit' })
    await session.finish?.('completed', operation)
    expect(readFileSync(path, 'utf8')).toBe(linesOf(records(1)))
  })
})

describe('ndjsonSink, probing', () => {
  test('finds the row that has no form, and leaves nothing of it', async () => {
    const folder = tempFolder()
    const path = `${folder}/out.ndjson`
    await using session = await ndjsonSink({ path }).connect(operation)
    const position = startOf(
      await session.claim({ run: 'run-1', partition: whole, fence: 1 }, operation),
      driveDefaults,
    )
    const rows = [...records(4), { id: 5, bad: () => 1 }]
    const before = readdirSync(folder, { recursive: true })
    for (const mode of ['probe', 'commit'] as const) {
      const writing = session.write(batchOf(position, rows, { done: true }), { ...operation, mode })
      await expect(writing).rejects.toMatchObject({
        code: 'RECORD_REFUSED',
        row: 4,
        message: expect.stringContaining('"bad"'),
      })
      if (mode === 'probe') expect(readdirSync(folder, { recursive: true })).toEqual(before)
    }
    await session.write(batchOf(position, rows.slice(0, 4), { done: true }), { ...operation, mode: 'commit' })
    await session.finish?.('completed', operation)
    expect(readFileSync(path, 'utf8')).toBe(linesOf(records(4)))
  })

  test('tells integers from floats in fields of any type, and says what plain JSON would lose', async () => {
    const path = `${tempFolder()}/out.ndjson`
    await using session = await ndjsonSink({ path }).connect(operation)
    const schema = { fields: [{ name: 'v', type: { kind: 'any' } as const, nullable: true }], key: [] }
    expect(session.check?.(schema)).toEqual([])
    await session.prepare?.(schema, operation)
    await drive(session, [{ v: 1n }, { v: 1 }])
    await session.finish?.('completed', operation)
    expect(readFileSync(path, 'utf8')).toBe('{"v":{"$numberLong":"1"}}\n{"v":{"$numberDouble":"1.0"}}\n')
    await using plain = await ndjsonSink({ path, values: 'plain' }).connect(operation)
    expect(plain.check?.(schema)).toEqual([expect.objectContaining({ field: 'v', remedy: "values: 'extended'" })])
  })
})
