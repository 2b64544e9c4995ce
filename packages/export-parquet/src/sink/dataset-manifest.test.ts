import { expect, test } from 'vitest'
import { NoManifest, parseManifest } from './dataset-manifest.js'

const file = { path: 'day=1/a.parquet', rows: 1, bytes: 2, sha256: '', rowGroups: 1 }
const manifest = {
  version: 1,
  writer: 'drover',
  schema: { fields: [], key: [] },
  partitionBy: [],
  rows: 1,
  files: [file],
}
const parsed = (change: object): unknown => parseManifest(JSON.stringify({ ...manifest, ...change }))

test('a manifest is read', () => {
  expect(parsed({})).toEqual(manifest)
})

test.each(['../beside.parquet', 'day=1/../../beside.parquet', '/tmp/a.parquet', '..\\beside.parquet', '..', ''])(
  'one that names what is not in its folder is none: %s',
  (path) => {
    expect(parsed({ files: [file, { ...file, path }] })).toBeInstanceOf(NoManifest)
  },
)

test.each([
  { files: [null] },
  { files: [{ ...file, bytes: 'x' }] },
  { partitionBy: undefined },
  { schema: null },
  { schema: {} },
])('one that lacks what a manifest holds is none: %j', (change) => {
  expect(parsed(change)).toBeInstanceOf(NoManifest)
})
