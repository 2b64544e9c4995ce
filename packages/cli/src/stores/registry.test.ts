import * as postgres from '@drover/adapter-postgres'
import * as qdrant from '@drover/adapter-qdrant'
import * as redis from '@drover/adapter-redis'
import * as sqlite from '@drover/adapter-sqlite'
import * as checkpoints from '@drover/checkpoints'
import * as core from '@drover/core'
import * as parquet from '@drover/export-parquet'
import { expect, test } from 'vitest'
import { pipelineShape } from '../pipeline-shape.js'
import { conditionOperators } from '../shape/filter-words.js'
import { checkpointLayouts } from './checkpoint-layouts.js'
import { storeTypes } from './registry.js'

/** What a file cannot hold: connections of the application, functions, clocks of tests. */
const onlyInCode = ['knex', 'clock', 'client', 'embed']
/** What only a file says: how to make a function. */
const onlyInFiles = ['embeddingModel', 'embedder', 'dimensions']
const packages: Readonly<Record<string, object>> = {
  '@drover/core': core,
  '@drover/adapter-sqlite': sqlite,
  '@drover/adapter-postgres': postgres,
  '@drover/adapter-redis': redis,
  '@drover/adapter-qdrant': qdrant,
  '@drover/export-parquet': parquet,
  '@drover/checkpoints': checkpoints,
}

const factories = Object.entries(storeTypes).flatMap(([type, store]) =>
  Object.entries(store.roles).flatMap(([role, entry]) =>
    entry.options.kind === 'object' ? [{ type, role, store, entry, options: entry.options }] : [],
  ),
)

test.each(factories)(
  'a file may give a $type $role every option that its factory takes',
  ({ store, entry, options }) => {
    const factory = (packages[store.package] as Record<string, (options: object) => unknown>)[entry.factory]
    let said = ''
    try {
      factory?.({ 'no such option': 1 })
    } catch (error) {
      said = (error as Error).message
    }
    // It lists the options that there are.
    const listed = /There (?:is|are): (.+)\.$/.exec(said)?.[1]?.split(', ') ?? []
    const known = listed.filter((name) => name !== 'none' && !onlyInCode.includes(name))
    const given = Object.keys(options.fields).filter((name) => !onlyInFiles.includes(name))
    expect(given.toSorted(), `${entry.factory}: ${said}`).toEqual(known.toSorted())
  },
)

test.each(['source', 'sink'] as const)(
  'a file may give a %s of checkpoints every option that its factory takes',
  (role) => {
    const shape = storeTypes.checkpoints?.roles[role]?.options
    const ofPlace = ['connection', 'filename', 'url', 'apiKey', 'collection']
    const given = new Set(
      Object.values(shape?.kind === 'variants' ? shape.types : {})
        .flatMap((one) => (one.kind === 'object' ? Object.keys(one.fields) : []))
        .map((name) => (ofPlace.includes(name) ? 'place' : name)),
    )
    const { checkpointSource, checkpointSink } = checkpoints
    const wrong = { 'no such option': 1 } as never
    const listed = listedBy(() => (role === 'source' ? checkpointSource(wrong) : checkpointSink(wrong)))
    expect([...given].filter((name) => !['embeddingModel', 'embedder'].includes(name)).toSorted()).toEqual(
      listed.filter((name) => name !== 'embed').toSorted(),
    )
  },
)

test('the layouts of a file are those that there are', () => {
  expect(Object.values(checkpointLayouts).flat().toSorted()).toEqual(
    listedBy(() =>
      checkpoints.checkpointSource({ place: { type: 'sqlite', filename: 'x' }, layout: 'none' as never }),
    ).toSorted(),
  )
})

/** The names that a refusal lists. */
function listedBy(act: () => unknown): string[] {
  try {
    act()
  } catch (error) {
    return /There are: (.+)\.$/.exec((error as Error).message)?.[1]?.split(', ') ?? []
  }
  throw new Error('It was taken.')
}

test('a file may give a run every option that a pipeline takes', () => {
  let said = ''
  try {
    core.startPipeline({ name: 'x', 'no such option': 1 } as never)
  } catch (error) {
    said = (error as Error).message
  }
  const listed = /There are: (.+)\.$/.exec(said)?.[1]?.split(', ') ?? []
  // Functions and streams, and what the command does itself.
  const notInFiles = ['signal', 'stopOnSignals', 'logger', 'progress', 'redact']
  const ours = ['filter', 'transform', 'verify', 'backfills', 'schema']
  const known = listed.filter((name) => !notInFiles.includes(name))
  expect(
    Object.keys(pipelineShape.fields)
      .filter((name) => !ours.includes(name))
      .toSorted(),
    said,
  ).toEqual(known.toSorted())
})

test('a file may use every operator of filters', () => {
  let said = ''
  try {
    core.checkFilter({ field: { none: 1 } })
  } catch (error) {
    said = (error as Error).message
  }
  expect(/There are: (.+)\.$/.exec(said)?.[1]?.split(', ')).toEqual(conditionOperators)
})
