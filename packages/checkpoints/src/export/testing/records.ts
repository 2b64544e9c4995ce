import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { CheckpointRecord } from '../../records/checkpoint-record.js'
import type { MessageRecord } from '../../records/message-record.js'
import type { StoredValue } from '../../records/stored-value.js'
import { fixture, storedOf } from '../../serde/testing/fixtures.js'

/** A folder that goes with the test. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'drover-export-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A value that Python's serialiser wrote. */
export function pythonValue(name: string): StoredValue {
  const found = fixture<{ name: string; type: string; base64: string }>('values').find((value) => value.name === name)
  if (found === undefined) throw new Error(`There is no fixture "${name}".`)
  return storedOf(found)
}

export function checkpoint(checkpoint_id: string, more: Partial<CheckpointRecord> = {}): CheckpointRecord {
  return {
    thread_id: 't',
    checkpoint_ns: '',
    checkpoint_id,
    parent_checkpoint_id: null,
    timestamp: '2025-01-31T08:30:00.123456+00:00',
    language: 'python',
    state: {
      checkpoint: {
        v: 4,
        id: checkpoint_id,
        ts: '2025-01-31T08:30:00.123456+00:00',
        channel_versions: { messages: '1' },
      },
      channels: { messages: pythonValue('ai message with a call'), gone: { type: 'empty', bytes: null } },
    },
    metadata: { source: 'loop', step: 1 },
    writes: [
      { task_id: 'task', task_path: '', idx: 0, channel: 'branch', value: { type: 'null', bytes: null } },
      { task_id: 'task', task_path: '~', idx: -3, channel: '__interrupt__', value: pythonValue('interrupt') },
    ],
    ...more,
  }
}

/** A record of which one channel is cut off. */
export function broken(checkpoint_id: string): CheckpointRecord {
  const { bytes } = pythonValue('human message')
  const channels = { messages: { type: 'msgpack', bytes: (bytes as Uint8Array).subarray(0, 20) } }
  return checkpoint(checkpoint_id, { state: { checkpoint: { v: 4 }, channels } })
}

export function message(order: number, more: Partial<MessageRecord> = {}): MessageRecord {
  return {
    session_id: 's',
    order,
    type: 'ai',
    content: [{ type: 'text', text: 'look ' }, 'here', { type: 'image_url', image_url: { url: 'x' } }],
    tool_calls: [{ name: 'search', args: { q: 'x' }, id: '1', type: 'tool_call' }],
    created_at: '2025-01-31T08:30:00Z',
    data: { id: 'm1', additional_kwargs: {} },
    ...more,
  }
}
