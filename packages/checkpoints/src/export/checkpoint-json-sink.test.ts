import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { type DroverError, dryRun, from, memorySource, memoryStateStore, recordId, runPipeline } from '@drover/core'
import { describe, expect, it, test } from 'vitest'
import { addMigrationMetadata } from '../filters/record-transformers.js'
import { fixture, storedOf } from '../serde/testing/fixtures.js'
import { type CheckpointJsonSinkOptions, checkpointJsonSink } from './checkpoint-json-sink.js'
import type { ExportedRecord } from './export-encoding.js'
import { broken, checkpoint, message, pythonValue, tempFolder } from './testing/records.js'

const checkpointKey = ['thread_id', 'checkpoint_ns', 'checkpoint_id']

async function exported(
  records: readonly ExportedRecord[],
  options: Partial<CheckpointJsonSinkOptions> = {},
  run: { batchSize?: number; maxRejected?: number } = {},
) {
  const outputDir = tempFolder()
  const key = 'checkpoint_id' in (records[0] ?? {}) ? checkpointKey : ['session_id', 'order']
  const report = await runPipeline({
    name: 'export',
    source: from(memorySource({ records: records as never[], key })),
    sink: checkpointJsonSink({ outputDir, ...options }) as never,
    state: memoryStateStore(),
    deadLetters: `${outputDir}/.dead`,
    ...run,
  } as never)
  const names = readdirSync(outputDir)
    .filter((name) => !name.startsWith('.'))
    .sort()
  return { report, outputDir, names, textOf: (name: string) => readFileSync(`${outputDir}/${name}`, 'utf8') }
}

describe('checkpoints', () => {
  it('are a file for each batch, each with its metadata', async () => {
    const records = [checkpoint('1'), checkpoint('2', { thread_id: 'u', parent_checkpoint_id: '1' }), checkpoint('3')]
    const { names, textOf } = await exported(records, {}, { batchSize: 2 })
    expect(names).toEqual(['checkpoints_export_batch_0001.json', 'checkpoints_export_batch_0002.json'])
    const { metadata, checkpoints } = JSON.parse(textOf(names[0] as string))
    expect(metadata).toEqual({ format: 'drover-checkpoints', version: 1 })
    expect(checkpoints.map((one: { checkpoint_id: string }) => one.checkpoint_id)).toEqual(['1', '2'])
    expect(checkpoints[0]).toEqual({
      id: recordId({ source: ['t', '', '1'], child: 0 }),
      thread_id: 't',
      checkpoint_ns: '',
      checkpoint_id: '1',
      parent_checkpoint_id: null,
      type: 'checkpoint',
      timestamp: '2025-01-31T08:30:00.123456+00:00',
      checkpoint: {
        v: 4,
        id: '1',
        ts: '2025-01-31T08:30:00.123456+00:00',
        channel_values: {
          messages: expect.objectContaining({
            $type: 'langchain_core.messages.ai.AIMessage',
            content: '',
            tool_calls: [{ name: 'search', args: { q: 'Grüße 🙂', n: 3 }, id: 'call_1', type: 'tool_call' }],
          }),
        },
        channel_versions: { messages: '1' },
      },
      metadata: { source: 'loop', step: 1 },
      pending_writes: [
        { task_id: 'task', task_path: '', idx: 0, channel: 'branch', value: null },
        {
          task_id: 'task',
          task_path: '~',
          idx: -3,
          channel: '__interrupt__',
          value: [expect.objectContaining({ $type: 'langgraph.types.Interrupt', id: 'abc' })],
        },
      ],
    })
  })

  it('are kept whole where a value is too deep to be shown', async () => {
    const deep = Buffer.from(`${'['.repeat(2000)}${']'.repeat(2000)}`)
    const channels = { deep: { type: 'json', bytes: new Uint8Array(deep) }, said: pythonValue('human message') }
    const records = [checkpoint('1', { state: { checkpoint: { v: 4 }, channels } }), broken('2')]
    const { report, textOf } = await exported(records, { singleFile: true }, { maxRejected: 1 })
    expect(report.counts).toMatchObject({ written: 1, rejected: 1 })
    expect(report.account?.figures).toMatchObject({ 'opaque json': 1 })
    const [only] = JSON.parse(textOf('checkpoints_export.json')).checkpoints
    expect(only.checkpoint.channel_values).toEqual({
      deep: { $opaque: { type: 'json', base64: deep.toString('base64') } },
      said: expect.objectContaining({ type: 'human' }),
    })
  })

  it('are one file where that is asked for, indented by two', async () => {
    const { names, textOf } = await exported([checkpoint('1')], { singleFile: true })
    expect(names).toEqual(['checkpoints_export.json'])
    const text = textOf('checkpoints_export.json')
    expect(text).toBe(`${JSON.stringify(JSON.parse(text), null, 2)}\n`)
  })

  it('are compressed where that is asked for', async () => {
    const { names, outputDir } = await exported([checkpoint('1')], { singleFile: true, gzip: true, indent: 0 })
    expect(names).toEqual(['checkpoints_export.json.gz'])
    const text = gunzipSync(readFileSync(`${outputDir}/${names[0]}`)).toString()
    expect(JSON.parse(text).checkpoints).toHaveLength(1)
    expect(text.split('\n')).toHaveLength(4)
  })

  it('whose values are cut off are left out with their keys, and the others are written', async () => {
    const records = ['1', '2', '3', '4', '5', '6'].map((id) => (id === '3' || id === '5' ? broken(id) : checkpoint(id)))
    const { report, names, textOf } = await exported(records, {}, { maxRejected: 2 })
    expect(report.counts).toMatchObject({ read: 6, written: 4, rejected: 2 })
    expect(report.rejected.map(({ key, code, message }) => [key, code, message])).toEqual([
      [['t', '', '3'], 'RECORD_REFUSED', expect.stringContaining('The channel "messages" cannot be read at byte 20')],
      [['t', '', '5'], 'RECORD_REFUSED', expect.stringContaining('it ends within')],
    ])
    const { checkpoints } = JSON.parse(textOf(names[0] as string))
    expect(checkpoints.map((one: { checkpoint_id: string }) => one.checkpoint_id)).toEqual(['1', '2', '4', '6'])
  })

  it('say how many of their values stayed opaque, by type', async () => {
    const pickled = { type: 'pickle', bytes: new Uint8Array([1]) }
    const [sealed] = fixture<{ key: string; type: string; base64: string }>('encrypted')
    const whole = checkpoint('2', { timestamp: null, state: { sealed: storedOf(sealed as never) } })
    const records = [checkpoint('1', { state: { checkpoint: {}, channels: { a: pickled, b: pickled } } }), whole]
    const { report, names, textOf } = await exported(records)
    expect(report.account?.figures).toEqual({ 'opaque pickle': 2, 'opaque msgpack+aes': 1 })
    const { checkpoints } = JSON.parse(textOf(names[0] as string))
    expect(checkpoints[1].checkpoint).toEqual({ $opaque: { type: 'msgpack+aes', base64: sealed?.base64 } })

    const opened = await exported([whole], { keys: { aes: sealed?.key as string } })
    expect(opened.report.account).toBeUndefined()
    expect(JSON.parse(opened.textOf(opened.names[0] as string)).checkpoints[0].checkpoint[0]).toBe(1)
  })

  it('have none where all is known', async () => {
    expect((await exported([checkpoint('1')])).report.account).toBeUndefined()
  })
})

describe('messages', () => {
  it('are text and calls of tools, and what else they have', async () => {
    const { names, textOf } = await exported([message(1), message(2, { content: 'hi', tool_calls: null })])
    expect(JSON.parse(textOf(names[0] as string)).checkpoints).toEqual([
      {
        id: recordId({ source: ['s', 1], child: 0 }),
        session_id: 's',
        order: 1,
        type: 'ai',
        timestamp: '2025-01-31T08:30:00Z',
        content: message(1).content,
        text: 'look here',
        tool_calls: message(1).tool_calls,
        data: { id: 'm1', additional_kwargs: {} },
      },
      expect.objectContaining({ content: 'hi', text: 'hi', tool_calls: null }),
    ])
  })

  it('keep what a step has added', async () => {
    const outputDir = tempFolder()
    await runPipeline({
      name: 'export',
      source: from(memorySource({ records: [message(1)] as never[], key: ['session_id', 'order'] })).pipe(
        addMigrationMetadata() as never,
      ),
      sink: checkpointJsonSink({ outputDir, singleFile: true }) as never,
      state: memoryStateStore(),
    } as never)
    const { checkpoints } = JSON.parse(readFileSync(`${outputDir}/checkpoints_export.json`, 'utf8'))
    expect(checkpoints[0].data.additional_kwargs.migrated_at).toMatch(/^\d{4}-.*Z$/)
  })
})

test('other records are refused before anything is written', async () => {
  await expect(exported([{ a: 1 }] as never)).rejects.toMatchObject({
    code: 'SINK_NOT_READY',
    message: expect.stringContaining('it takes checkpoints and messages'),
  })
})

test.each([
  [{ outputDir: '' }, /outputDir is a text/],
  [{ outputDir: 'a', single_file: true }, /no option "single_file"; did you mean "singleFile"/],
  [{ outputDir: 'a', indent: -1 }, /indent is a whole number/],
  [{ outputDir: 'a', keys: { aes: 'short' } }, /a key of AES has 16, 24 or 32 bytes/],
  [{ outputDir: 'a', keys: { eas: 'x' } }, /no option "eas"/],
])('%o is refused', (options, message) => {
  const make = () => checkpointJsonSink(options as never)
  expect(make).toThrow(expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringMatching(message) }))
})

test('a key is in nothing that is shown', () => {
  const { name, version } = checkpointJsonSink({ outputDir: 'a', keys: { aes: '0123456789abcdef' } })
  expect(`${name} ${version}`).not.toContain('0123456789abcdef')
})

test('a value that names a function is text in the file', async () => {
  const bytes = Buffer.from('c71c00', 'hex')
  const call = Buffer.concat([
    Buffer.from('93a26f73a673797374656d', 'hex'),
    Buffer.from([0xb0]),
    Buffer.from('touch /tmp/owned'),
  ])
  const value = { type: 'msgpack', bytes: Buffer.concat([bytes, call]) }
  const record = checkpoint('1', { state: { checkpoint: {}, channels: { evil: value, good: pythonValue('uuid') } } })
  const { textOf, names, report } = await exported([record])
  expect(JSON.parse(textOf(names[0] as string)).checkpoints[0].checkpoint.channel_values.evil).toEqual({
    $type: 'os.system',
    value: 'touch /tmp/owned',
  })
  expect(report.counts.written).toBe(1)
  expect((report as { error?: DroverError }).error).toBeUndefined()
})

test.each([
  ['checkpoints are whole', checkpoint('2'), 1, /^\[\]$/],
  ['one is broken', broken('2'), 0, /The channel \\"messages\\" cannot be read at byte 20/],
])('a dry run reads the values, and makes nothing: %s', async (_, second, creates, problems) => {
  const outputDir = `${tempFolder()}/exports`
  const report = await dryRun({
    name: 'export',
    source: from(memorySource({ records: [checkpoint('1'), second] as never[], key: checkpointKey })),
    sink: checkpointJsonSink({ outputDir }) as never,
    state: memoryStateStore(),
  } as never)
  expect(report.creates).toHaveLength(creates)
  expect(JSON.stringify(report.problems)).toMatch(problems)
  expect(existsSync(outputDir)).toBe(false)
})
