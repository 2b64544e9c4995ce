import { describe, expect, it } from 'vitest'
import type { Row } from '../contracts/values.js'
import { dryRun } from '../dry-run/dry-run.js'
import { type Flow, from } from '../flow/flow.js'
import { transformer } from '../flow/transformer-factory.js'
import { memorySink } from '../memory/memory-sink.js'
import { memorySource } from '../memory/memory-source.js'
import { mask } from '../transformers/mask.js'
import { omit, pick } from '../transformers/pick.js'
import { rename } from '../transformers/rename.js'
import { setField } from '../transformers/set-field.js'
import { runPipeline } from './run-pipeline.js'
import { failure } from './testing/rigs.js'

const records: Row[] = [{ id: 1, name: 'Ada', secret: 'abc' }]
const fields = ['id', 'name', 'secret'].map((name) => ({ name, type: { kind: 'any' }, nullable: true }) as const)
const people = (isKnown = true) => memorySource({ records, key: 'id', ...(isKnown ? { schema: { fields } } : {}) })

async function refused(steps: (flow: Flow<Row>) => Flow<object>) {
  const sink = memorySink()
  const error = await failure(runPipeline({ name: 'people', source: steps(from(people())), sink: sink as never }))
  expect(sink.store.rows).toEqual([])
  return error
}

async function written(steps: (flow: Flow<Row>) => Flow<object>, isKnown = true) {
  const sink = memorySink()
  await runPipeline({ name: 'people', source: steps(from(people(isKnown))), sink: sink as never })
  return sink.store.rows
}

const touched = transformer({
  name: 'touched',
  reads: ['id'],
  writes: ['at'],
  describe: (schema) => schema,
  transform: (record: Row) => ({ ...record, at: 1 }),
})

describe('a misspelt field', () => {
  it.each<[string, (flow: Flow<Row>) => Flow<object>, string]>([
    ['mask', (flow) => flow.pipe(mask(['secrt'])), 'mask names the field "secrt"'],
    ['omit', (flow) => flow.pipe(omit(['id', 'secrt'])), 'omit names the field "secrt"'],
    ['pick', (flow) => flow.pipe(pick(['id', 'secrt'])), 'pick names the field "secrt"'],
    ['rename', (flow) => flow.pipe(rename({ secrt: 'x' })), 'rename names the field "secrt"'],
    ['a filter', (flow) => flow.filter({ secrt: { eq: 'a' } }), 'filter 1 names the field "secrt"'],
    [
      'a filter of several',
      (flow) => flow.filter({ or: [{ id: { gt: 0 } }, { not: { and: [{ secrt: { isNull: true } }] } }] }),
      'filter 1 names the field "secrt"',
    ],
    ['a step behind others', (flow) => flow.pipe(rename({ name: 'n' })).pipe(mask(['secrt'])), 'mask names'],
  ])('of %s is refused before anything is written, with the nearest', async (_, steps, said) => {
    const error = await refused(steps)
    expect(error.code).toBe('NAME_UNKNOWN')
    expect(error.message).toMatch(/^people: .*did you mean "secret"\? There are: .*id.* Nothing was written\.$/)
    expect(error.message).toContain(said)
  })

  it('is one that a step in front has taken away or renamed', async () => {
    expect((await refused((flow) => flow.pipe(omit(['secret'])).pipe(mask(['secret'])))).code).toBe('NAME_UNKNOWN')
    const steps = (flow: Flow<Row>) => flow.pipe(rename({ name: 'called' })).filter({ name: { eq: 'Ada' } } as never)
    expect((await refused(steps)).message).toContain('filter 2 names the field "name"')
  })

  it('stands among the problems of a dry run', async () => {
    const { problems } = await dryRun({
      name: 'people',
      source: from(people()).pipe(mask(['secrt'])),
      sink: memorySink(),
    })
    expect(problems).toMatchObject([{ code: 'NAME_UNKNOWN', message: expect.stringContaining('"secret"') }])
  })

  it('is what a step of one’s own refuses, too', async () => {
    const picky = transformer({
      name: 'picky',
      check: () => {
        throw new TypeError('not these')
      },
      transform: (record: Row) => record,
    })
    expect((await refused((flow) => flow.pipe(picky))).message).toContain('not these')
  })
})

describe('nothing is refused', () => {
  it('where steps in front set the field', async () => {
    const typed = setField('size', ['name'], (name) => String(name).length, { type: { kind: 'int', bits: 32 } })
    expect(await written((flow) => flow.pipe(typed).filter({ size: { eq: 3 } } as never))).toHaveLength(1)
    expect(await written((flow) => flow.pipe(touched).filter({ at: { eq: 1 } } as never))).toHaveLength(1)
    expect(await written((flow) => flow.pipe(rename({ name: 'n' })).filter({ n: { eq: 'Ada' } }))).toHaveLength(1)
  })

  it('behind a step that does not describe its records', async () => {
    expect(await written((flow) => flow.pipe((row) => ({ ...row })).pipe(omit(['secrt'])))).toHaveLength(1)
  })

  it('where some records were looked at, and others may have the field', async () => {
    expect(await written((flow) => flow.pipe(omit(['secrt'])), false)).toEqual(records)
    expect(await written((flow) => flow.filter({ secrt: { isNull: true } }), false)).toEqual(records)
  })
})

describe('rename onto a field that is there', () => {
  it('is refused with a sentence', async () => {
    const error = await refused((flow) => flow.pipe(rename({ secret: 'name' })))
    expect(error.code).toBe('OPTION_INVALID')
    expect(error.message).toBe(
      'people: rename: the records have a field "name" already, and a renamed field would take its place; omit or rename that one too. Nothing was written.',
    )
  })

  it('is no matter where that one is renamed, or where no record has both', async () => {
    expect(await written((flow) => flow.pipe(rename({ secret: 'name', name: 'secret' })))).toEqual([
      { id: 1, secret: 'Ada', name: 'abc' },
    ])
    const mixed = memorySource<Row>({
      records: [
        { id: 1, title: 'a' },
        { id: 2, name: 'b' },
      ],
      key: 'id',
    })
    const sink = memorySink()
    await runPipeline({ name: 'mixed', source: from(mixed).pipe(rename({ title: 'name' })), sink: sink as never })
    expect(sink.store.rows).toEqual([
      { id: 1, name: 'a' },
      { id: 2, name: 'b' },
    ])
    const described = rename({ title: 'name' }).traits.describe?.({
      fields: [
        { name: 'title', type: { kind: 'text' }, nullable: false },
        { name: 'name', type: { kind: 'text' }, nullable: false },
      ],
      key: [],
    })
    expect(described?.fields).toEqual([{ name: 'name', type: { kind: 'text' }, nullable: true }])
  })
})
