import { describe, expect, it } from 'vitest'
import type { RecordSchema } from '../contracts/schema.js'
import { batchForm } from './transformer.js'
import { transformer } from './transformer-factory.js'

const context = { runStartedAt: new Date(0), signal: new AbortController().signal }
interface Numbered {
  id: number
}

it('lets the traits ride on the function', () => {
  const describes = (schema: RecordSchema) => schema
  const step = transformer({
    name: 'double',
    version: '2',
    reads: ['id'],
    writes: ['id'],
    describe: describes,
    transform: (r: Numbered) => ({ id: r.id * 2 }),
  })
  expect(step({ id: 2 })).toEqual({ id: 4 })
  expect(step.traits).toEqual({ name: 'double', version: '2', reads: ['id'], writes: ['id'], describe: describes })
  expect(step[batchForm]).toBeUndefined()
})

it('leaves the function itself as it was, so that two transformers may share it', () => {
  const shared = (r: Numbered) => r
  const one = transformer({ name: 'one', transform: shared })
  const two = transformer({ name: 'two', transform: shared })
  expect([one.traits.name, two.traits.name]).toEqual(['one', 'two'])
  expect(shared).not.toHaveProperty('traits')
})

describe('the batch form', () => {
  const step = transformer({
    name: 'b',
    transformBatch: (rs: readonly Numbered[]) => rs.map((r) => (r.id === 0 ? null : [r, r])),
  })

  it('rides on the function', () => {
    expect(step[batchForm]?.([{ id: 0 }, { id: 1 }], context)).toEqual([null, [{ id: 1 }, { id: 1 }]])
  })

  it('also answers for one record', async () => {
    expect(step({ id: 1 }, context)).toEqual([{ id: 1 }, { id: 1 }])
    expect(step({ id: 0 }, context)).toBeNull()
    const late = transformer({ name: 'late', transformBatch: async (rs: readonly Numbered[]) => rs })
    await expect(late({ id: 1 }, context)).resolves.toEqual({ id: 1 })
  })

  it('has to answer with one result', async () => {
    const refused = expect.objectContaining({
      code: 'TRANSFORM_INVALID_RESULT',
      message: expect.stringContaining('"many"'),
    })
    const many = transformer({ name: 'many', transformBatch: (rs: readonly Numbered[]) => [...rs, ...rs] })
    expect(() => many({ id: 1 }, context)).toThrow(refused)
    const none = transformer({ name: 'many', transformBatch: async () => undefined as never })
    await expect(none({ id: 1 }, context)).rejects.toEqual(refused)
  })
})

describe('refuses', () => {
  const transform = (r: Numbered) => r
  it.each<[string, object, RegExp]>([
    [
      'an option that does not exist',
      { name: 'x', transform, verson: '1' },
      /no option "verson"; did you mean "version"/,
    ],
    ['no name', { transform }, /name is a text/],
    ['an empty version', { name: 'x', version: '', transform }, /version is a text/],
    ['neither form', { name: 'x' }, /either transform or transformBatch/],
    ['both forms', { name: 'x', transform, transformBatch: transform }, /either transform or transformBatch/],
    ['a transform that is no function', { name: 'x', transform: 'upper' }, /transform is a function/],
    ['no calls at once', { name: 'x', transform, concurrency: 0 }, /concurrency is a whole number of at least 1/],
    ['no time', { name: 'x', transform, timeoutMs: 0 }, /timeoutMs is a whole number of at least 1/],
    ['a field instead of fields', { name: 'x', transform, reads: 'id' }, /reads is an array of field names/],
  ])('%s', (_, options, message) => {
    expect(() => transformer(options as never)).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringMatching(message) }),
    )
  })
})
