import { readFileSync } from 'node:fs'
import path from 'node:path'
import { serverUrl } from '@drover-internal/postgres-server/vitest'
import { useQdrant } from '@drover-internal/qdrant-server/vitest'
import { useRedis } from '@drover-internal/redis-server/vitest'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { copyAll, type Matrix } from './copy-all.js'
import { copySets } from './copy-sets.js'
import { formOf } from './forms.js'
import { fidelityPage } from './page.js'
import { sets } from './sets.js'
import { memory } from './stores/memory.js'
import { parquet } from './stores/parquet.js'

const describeBoth = describe.skipIf(inject('postgres') === null || inject('redis') === null)

describeBoth('every type between every two stores', () => {
  const redis = useRedis()
  const qdrant = useQdrant()
  let matrix: Matrix
  beforeAll(async () => {
    matrix = await copyAll({ postgres: serverUrl(), redis: redis.url, qdrant: qdrant.url })
  }, 120_000)

  it('is never changed in silence', () => {
    const changed = [...matrix].flatMap(([to, sources]) =>
      [...sources].flatMap(([from, cells]) =>
        [...cells].flatMap(([name, { wrong }]) => wrong.map((what) => `${from} → ${to}, ${name}: ${what}`)),
      ),
    )
    expect(changed).toEqual([])
  })

  it('is copied by the control as it is', () => {
    const control = matrix.get('Memory')?.get('Memory')
    for (const { name, values } of sets) expect(control?.get(name), name).toMatchObject({ exact: values.length })
  })

  it('is taken with the coercion that a refusal names, and still not changed in silence', async () => {
    const refusals = [...(matrix.get('Parquet')?.get('Memory') ?? [])].filter(([, { issue }]) => issue !== undefined)
    expect(refusals.map(([name]) => name)).toEqual(['decimalOpen', 'any'])
    for (const [name, { issue }] of refusals) {
      const type = /^types: \{ "(.*)": '(.*)' \}$/.exec(issue?.remedy ?? '')?.[2] as 'json'
      await using store = parquet({ [name]: type })
      const set = sets.filter((one) => one.name === name)
      const cell = (await copySets(set, memory(), store)).get(name)
      expect(cell, name).toMatchObject({ wrong: [] })
      expect(cell?.issue).toBeUndefined()
      expect(cell?.refused).toBeLessThan(set[0]?.values.length ?? 0)
    }
  })

  it('stands in docs/fidelity.md as it was found', () => {
    const written = readFileSync(path.resolve(import.meta.dirname, '../../../docs/fidelity.md'), 'utf8')
    expect(written, 'run: node --conditions=@drover/source --import tsx internal/fidelity/write-page.ts').toBe(
      fidelityPage(matrix),
    )
  })
})

it.each([
  [9_007_199_254_740_993n, 9_007_199_254_740_992, 'int64'],
  ['1', 1, 'text'],
  [true, 1n, 'boolean'],
  ['2024-02-29T23:59:59.999999Z', '2024-02-29T23:59:59.999Z', 'timestampUs'],
  ['2024-02-29T23:59:59.999', '2024-02-29T23:59:59.999Z', 'localMs'],
  ['100', '1', 'decimal38'],
  ['text', null, 'text'],
  [new Float32Array([0.1]), [0.2], 'vector'],
  [[0.1], new Float32Array([0.2]), 'vector'],
  [{ id: 1 }, '{"id":2}', 'json'],
])('%s that arrives as %s is another value', (given, arrived, name) => {
  const type = sets.find((set) => set.name === name)?.type ?? { kind: 'any' }
  expect(formOf(given, arrived, type)).toBeNull()
})
