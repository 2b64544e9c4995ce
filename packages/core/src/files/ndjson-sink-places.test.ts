import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Source } from '../contracts/source.js'
import type { Row } from '../contracts/values.js'
import { runPipeline } from '../engine/run-pipeline.js'
import { DroverError } from '../errors/drover-error.js'
import { memorySource } from '../memory/memory-source.js'
import { encodeJson } from './json-values.js'
import { ndjsonSink } from './ndjson-sink.js'
import { drive, operation, records, runOnce, whole } from './testing/drive.js'
import { tempFolder } from './testing/temp-folder.js'

const linesOf = (rows: readonly Row[]): string => rows.map((row) => `${encodeJson(row)}\n`).join('')

describe('ndjsonSink, places and options', () => {
  test.each([
    [{ path: '' }, /path is a text/],
    [{ path: 'x', gzpi: true }, /gzip/],
    [{ path: 'x', gzip: 'yes' }, /true or false/],
    [{ path: 'x', values: 'plane' }, /'extended' or 'plain'/],
    [{ path: 'x', onExisting: 'append' }, /'replace' or 'error'/],
  ])('refuses %o', (options, message) => {
    expect(() => ndjsonSink(options as never)).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringMatching(message) }),
    )
  })

  test('refuses a folder or a device in place of the file, and a file in place of a folder', async () => {
    const folder = tempFolder()
    writeFileSync(`${folder}/file`, '')
    for (const path of [folder, '/dev/null', `${folder}/file/out.ndjson`]) {
      const code = path === '/dev/null' && process.platform === 'win32' ? expect.any(String) : 'SINK_NOT_READY'
      await expect(ndjsonSink({ path }).connect(operation)).rejects.toMatchObject({ code })
    }
  })

  test('in a run, a place that cannot be written is named as the output, and a source that is refused leaves nothing there', async () => {
    const folder = tempFolder()
    writeFileSync(`${folder}/file`, '')
    const run = (source: Source, path: string) =>
      runPipeline({ name: 'r', source, sink: ndjsonSink({ path }), allowDuplicates: true })
    const path = `${folder}/file/out.ndjson`
    await expect(run(memorySource({ records: records(2), key: 'id' }), path)).rejects.toMatchObject({
      code: 'SINK_NOT_READY',
      message: `${path} cannot be written: a file is where a folder of its path should be: name another place, or move the file away (ENOTDIR).`,
    })
    const refused: Source = {
      ...memorySource({ records: records(2), key: 'id' }),
      connect: () => Promise.reject(new DroverError('OPTION_INVALID', 'Which one?')),
    }
    await expect(run(refused, `${folder}/new/out.ndjson`)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    expect(readdirSync(folder)).toEqual(['file'])
  })

  test('refuses a file that is there already, if told so, but not the one of its own run', async () => {
    const path = `${tempFolder()}/out.ndjson`
    const sink = ndjsonSink({ path, onExisting: 'error' })
    await runOnce(sink, records(2))
    await runOnce(sink, records(2), { fence: 2 })
    await expect(runOnce(sink, records(2), { run: 'run-2' })).rejects.toMatchObject({ code: 'SINK_NOT_READY' })
  })

  test('writes where a link leads, and keeps the mode of the file it replaces', async () => {
    const folder = tempFolder()
    mkdirSync(`${folder}/real`)
    writeFileSync(`${folder}/real/out.ndjson`, 'old')
    chmodSync(`${folder}/real/out.ndjson`, 0o600)
    symlinkSync('real/out.ndjson', `${folder}/link.ndjson`)
    await runOnce(ndjsonSink({ path: `${folder}/link.ndjson` }), records(2))
    expect(readFileSync(`${folder}/real/out.ndjson`, 'utf8')).toBe(linesOf(records(2)))
    expect(statSync(`${folder}/real/out.ndjson`).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder).sort()).toEqual(['link.ndjson', 'real'])
  })

  test('refuses to go on in another format', async () => {
    const path = `${tempFolder()}/out.ndjson`
    await using session = await ndjsonSink({ path }).connect(operation)
    await drive(session, records(2))
    await using other = await ndjsonSink({ path, gzip: true }).connect(operation)
    await expect(other.claim({ run: 'run-1', partition: whole, fence: 2 }, operation)).rejects.toMatchObject({
      code: 'STATE_INVALID',
    })
  })
})
