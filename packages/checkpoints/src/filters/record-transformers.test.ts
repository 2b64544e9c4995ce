import { expect, test } from 'vitest'
import type { CheckpointRecord } from '../records/checkpoint-record.js'
import type { MessageRecord } from '../records/message-record.js'
import { addMigrationMetadata, normalizeRecordTimestamps } from './record-transformers.js'

const context = { runStartedAt: new Date('2025-01-31T08:30:00.000Z'), signal: new AbortController().signal }
const migrated_at = '2025-01-31T08:30:00.000Z'
const checkpoint: CheckpointRecord = {
  thread_id: 't',
  checkpoint_ns: '',
  checkpoint_id: '1',
  parent_checkpoint_id: null,
  timestamp: '2024-01-01T01:00:00.123456+01:00',
  language: 'python',
  state: { checkpoint: { ts: '2024-01-01T01:00:00.123456+01:00' }, channels: {} },
  metadata: { step: 1 },
  writes: [],
}
const message: MessageRecord = {
  session_id: 's',
  order: 1,
  type: 'human',
  content: 'hi',
  tool_calls: null,
  created_at: '2024-01-01 00:00:00+00',
  data: { id: 'x', additional_kwargs: { a: 1 } },
}

test('a checkpoint says when it was moved', () => {
  expect(addMigrationMetadata()(checkpoint, context)).toEqual({ ...checkpoint, metadata: { step: 1, migrated_at } })
})

test('so does a message, among what is not its own', () => {
  expect(addMigrationMetadata()(message, context)).toEqual({
    ...message,
    data: { id: 'x', additional_kwargs: { a: 1, migrated_at } },
  })
  expect(addMigrationMetadata()({ ...message, data: {} }, context)).toMatchObject({
    data: { additional_kwargs: { migrated_at } },
  })
})

test('the time of a record is written in UTC, and what it holds stays', () => {
  expect(normalizeRecordTimestamps()(checkpoint, context)).toEqual({
    ...checkpoint,
    timestamp: '2024-01-01T00:00:00.123456Z',
  })
  expect(normalizeRecordTimestamps()({ ...checkpoint, timestamp: null }, context)).toMatchObject({ timestamp: null })
  expect(normalizeRecordTimestamps()(message, context)).toEqual({ ...message, created_at: '2024-01-01T00:00:00.000Z' })
})
