import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { DroverError } from '../errors/drover-error.js'
import { memorySource } from '../memory/memory-source.js'
import { from, isFlow } from './flow.js'

const source = memorySource({ name: 'messages', records: [{ id: 1 }], key: ['id'] })

it('grows by a step without changing the flow it grows from', () => {
  const begun = from(source)
  const kept = begun.filter((record) => record.id !== 1)
  const piped = begun.pipe((record) => record)
  expect(begun.steps).toEqual([])
  expect(kept.steps.map(({ kind }) => kind)).toEqual(['filter'])
  expect(piped.steps.map(({ kind }) => kind)).toEqual(['transform'])
  expect(kept.source).toBe(source)
})

it('cannot be changed from outside', () => {
  const flow = from(source).filter({ id: { gt: 0 } })
  expect(() => (flow.steps as unknown[]).push({})).toThrow(TypeError)
  expect(() => Object.assign(flow, { source: null })).toThrow(TypeError)
})

it('holds its steps in order, a filter as a function apart from one as data', () => {
  const schema = z.object({ id: z.number() })
  const run = (record: object) => record
  const keep = () => true
  const flow = from(source)
    .filter({ id: { gt: 0 } })
    .pipe(run)
    .filter(keep)
    .validate(schema)
  expect(flow.steps).toEqual([
    { kind: 'match', filter: { id: { gt: 0 } } },
    { kind: 'transform', run },
    { kind: 'filter', keep },
    { kind: 'validate', schema },
  ])
})

it('is told from a bare source', () => {
  expect(isFlow(from(source))).toBe(true)
  expect(isFlow(source)).toBe(false)
})

it('takes the schemas of several libraries, functions among them', () => {
  for (const schema of [z.object({}), v.object({}), type({})]) {
    expect(from(source).validate(schema).steps).toEqual([{ kind: 'validate', schema }])
  }
})

describe('refuses at once', () => {
  const flow = from(source)
  it.each<[string, () => unknown, string]>([
    ['a step that is no function', () => flow.pipe('upper' as never), 'OPTION_INVALID'],
    ['a step that is nothing', () => flow.pipe(undefined as never), 'OPTION_INVALID'],
    ['a filter that is no filter', () => flow.filter('id > 3' as never), 'OPTION_INVALID'],
    ['a filter with an unknown operator', () => flow.filter({ id: { above: 3 } } as never), 'NAME_UNKNOWN'],
    ['a schema that follows no standard', () => flow.validate({ parse: () => ({}) } as never), 'OPTION_INVALID'],
    ['a flow without a source', () => from(undefined as never), 'OPTION_INVALID'],
    ['a flow of a flow', () => from(flow as never), 'OPTION_INVALID'],
  ])('%s', (_, act, code) => {
    expect(act).toThrow(expect.objectContaining({ name: 'DroverError', code }))
    expect(act).toThrow(DroverError)
  })
})
