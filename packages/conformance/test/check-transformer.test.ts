import { addMetadata, mask, normalizeTimestamps, omit, pick, rename, setField, transformer } from '@drover/core'
import { expect, test } from 'vitest'
import { checkTransformer } from '../src/transformer.js'

interface Message {
  readonly id: number
  readonly text: string
  readonly tags?: readonly string[]
}

const records: readonly Message[] = [
  { id: 1, text: 'one', tags: ['a'] },
  { id: 2, text: '' },
  { id: 3, text: 'three', tags: [] },
]

test('a step that keeps to the rules passes, and its results are given', async () => {
  const results = await checkTransformer((m: Message) => (m.text === '' ? null : { ...m, length: m.text.length }), {
    records,
  })
  expect(results).toEqual([{ ...records[0], length: 3 }, null, { ...records[2], length: 5 }])
})

test('so does one that fans out, later', async () => {
  const results = await checkTransformer(async (m: Message) => (m.tags ?? []).map((tag) => ({ id: m.id, tag })), {
    records,
  })
  expect(results).toEqual([[{ id: 1, tag: 'a' }], [], []])
})

test.each([
  ['addMetadata', addMetadata()],
  ['normalizeTimestamps', normalizeTimestamps(['at'])],
  ['setField', setField('length', ['text'], (text) => String(text).length)],
  ['rename', rename({ text: 'content' })],
  ['mask', mask(['text'], { keep: 1 })],
  ['pick', pick(['id', 'text'])],
  ['omit', omit(['tags'])],
] as const)('the built-in %s keeps to the rules', async (_, step) => {
  await checkTransformer(step as never, {
    records: records.map((record) => ({ ...record, at: '2024-01-01T00:00:00+02:00' })),
  })
})

test('so does a transformer with a batch form and traits', async () => {
  const embed = transformer({
    name: 'embed',
    reads: ['text'],
    writes: ['vector'],
    transformBatch: async (messages: readonly Message[]) => messages.map((m) => ({ ...m, vector: [m.text.length] })),
  })
  expect(await checkTransformer(embed, { records })).toHaveLength(3)
})

const changing = (m: Message): Message => {
  ;(m as { text: string }).text = 'changed'
  return m
}
const changingDeep = (m: Message): Message => {
  ;(m.tags as string[] | undefined)?.push('x')
  return { ...m }
}
let calls = 0

test.each([
  ['changes the record', changing, /changed text of the record it was given: .* became .*; return a copy/],
  ['changes what is inside of the record', changingDeep, /changed tags of the record it was given/],
  [
    'asks the clock',
    (m: Message) => ({ ...m, at: performance.now() }),
    /gave another result the second time for .*"id":1/,
  ],
  ['remembers', (m: Message) => ({ ...m, calls: ++calls }), /gave another result the second time/],
  ['returns nothing', (() => {}) as never, /gave undefined \(is a return missing\?\) for/],
  [
    'returns a text',
    ((m: Message) => m.text) as never,
    /gave "one" for .*; it gives a record, an array of records, or null/,
  ],
  ['returns nulls among records', ((m: Message) => [m, null]) as never, /gave \[/],
  ['never answers', () => new Promise<Message>(() => {}), /did not answer within 50 ms/],
  [
    'throws',
    (m: Message) => ({ ...m, upper: (m.tags as readonly string[]).map((tag) => tag.toUpperCase()) }),
    /failed on .*"id":2.*: Cannot read/,
  ],
] as const)('a step that %s is found', async (_, step, found) => {
  const check = checkTransformer<Message, object>(step, { records, timeoutMs: 50 })
  await expect(check).rejects.toThrow(found)
  await expect(check).rejects.toMatchObject({ code: 'CONTRACT_BROKEN' })
})

test('a step may reject records if it is said to, and gives null for them', async () => {
  const strict = (m: Message): Message => {
    if (m.text === '') throw new Error('empty')
    return m
  }
  expect(await checkTransformer(strict, { records, mayReject: true })).toEqual([records[0], null, records[2]])
})

test('a field that reads leaves out is found', async () => {
  const step = transformer({
    name: 'greet',
    reads: ['text'],
    transform: (m: Message) => ({ ...m, greeting: `${m.text} ${m.id}` }),
  })
  await expect(checkTransformer(step, { records })).rejects.toThrow(
    /greet:\n {2}- it reads "id", which its trait reads does not name: with null in it/,
  )
})

test('a field that writes leaves out is found', async () => {
  const step = transformer({
    name: 'greet',
    writes: ['greeting'],
    transform: (m: Message) => ({ ...m, greeting: m.text, text: m.text.trimEnd().concat('.') }),
  })
  await expect(checkTransformer(step, { records })).rejects.toThrow(
    /it writes "text", which its trait writes does not name/,
  )
})

test.each([
  [
    'depends on its neighbours',
    (all: readonly Message[]) => all.map((m) => ({ ...m, of: all.length })),
    /in a batch of 3 it gave .* alone/,
  ],
  [
    'leaves results out',
    (all: readonly Message[]) => all.filter((m, i) => i === 0 || m.text !== ''),
    /gave 2 results for a batch of 3 records/,
  ],
] as const)('a batch form that %s is found', async (_, transformBatch, found) => {
  const step = transformer({ name: 'batch', transformBatch })
  await expect(checkTransformer(step, { records })).rejects.toThrow(found)
})

test('open and close are called around the records', async () => {
  const seen: string[] = []
  const step = transformer({
    name: 'opened',
    open: () => void seen.push('open'),
    close: () => void seen.push('close'),
    transform: (m: Message) => {
      if (!seen.includes('open') || seen.includes('close')) throw new Error('not open')
      return m
    },
  })
  await checkTransformer(step, { records })
  expect(seen).toEqual(['open', 'close'])
})

test('without a record there is nothing to check', async () => {
  await expect(checkTransformer((m: Message) => m, { records: [] })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
})
