import {
  checkChoice,
  checkNames,
  checkOptionNames,
  checkText,
  checkWholeNumber,
  DroverError,
  shown,
} from '@drover/core'
import { checkLocation, locationOptions } from '../connection/qdrant-location.js'
import { checkEmbedding } from '../embed/check-embedding.js'
import { checkCollectionSettings } from './collection-settings.js'
import type { AnyOptions } from './sink-options.js'

const optionNames = [
  ...locationOptions,
  'collection',
  'id',
  'payload',
  'vector',
  'embed',
  'embedText',
  'embedVector',
  'embedding',
  'onConflict',
  'create',
  'indexing',
  'indexingThreshold',
  'greenTimeoutMs',
  'shardKey',
  'inFlight',
  'batchSize',
  'batchBytes',
]

/** @throws `OPTION_INVALID` */
export function checkOptions(where: string, options: AnyOptions): void {
  checkOptionNames(where, options, optionNames)
  checkLocation(where, options)
  checkText(where, 'collection', options.collection)
  const { id, payload, vector, onConflict } = options
  if (typeof id !== 'function') checkChoice(where, 'id', id, ['key', 'record'])
  if (typeof payload !== 'function') checkNames(where, 'payload', payload)
  checkVector(where, vector)
  checkEmbed(where, options)
  checkConflict(where, onConflict)
  checkCreate(where, options.create)
  checkChoice(where, 'indexing', options.indexing, ['during', 'after'])
  if (options.indexing !== 'after' && options.indexingThreshold !== undefined) {
    throw new DroverError('OPTION_INVALID', `${where}: indexingThreshold is for indexing: 'after'.`)
  }
  for (const name of ['inFlight', 'batchSize', 'batchBytes', 'indexingThreshold'] as const)
    checkWholeNumber(where, name, options[name], 1)
  checkWholeNumber(where, 'greenTimeoutMs', options.greenTimeoutMs, 0)
  const { shardKey } = options
  if (shardKey !== undefined && !['string', 'number', 'function'].includes(typeof shardKey)) {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: shardKey is a text, a number or a function, not ${shown(shardKey)}.`,
    )
  }
}

function checkVector(where: string, vector: unknown): void {
  if (vector === undefined || typeof vector === 'function') return
  if (typeof vector === 'object' && vector !== null && !Array.isArray(vector)) {
    for (const [name, field] of Object.entries(vector)) checkText(where, `vector.${name}`, field)
  } else checkText(where, 'vector', vector)
}

function checkEmbed(where: string, { embed, embedText, embedVector, embedding }: AnyOptions): void {
  checkEmbedding(where, embedding)
  if (embed === undefined) {
    const lone = Object.entries({ embedText, embedVector, embedding }).find(([, given]) => given !== undefined)
    if (lone !== undefined)
      throw new DroverError(
        'OPTION_INVALID',
        `${where}: ${lone[0]} needs embed, the function that makes vectors of texts.`,
      )
    return
  }
  if (typeof embed !== 'function') {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: embed is a function, such as openAiEmbedder({ model }) gives, not ${shown(embed)}.`,
    )
  }
  if (embedText === undefined) {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: embed needs embedText, the field that is embedded, or a function that returns the text.`,
    )
  }
  if (typeof embedText !== 'function') checkText(where, 'embedText', embedText)
  if (embedVector !== undefined && typeof embedVector !== 'string') checkText(where, 'embedVector', embedVector)
}

function checkConflict(where: string, onConflict: unknown): void {
  if (onConflict === 'error') {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: onConflict is 'update' or 'skip': after a crash the last batches are written again, and 'error' would refuse them for the points that they made.`,
    )
  }
  checkChoice(where, 'onConflict', onConflict, ['update', 'skip'])
}

function checkCreate(where: string, create: AnyOptions['create']): void {
  if (create === undefined) return
  if (!('like' in Object(create))) {
    checkCollectionSettings(where, create as never)
    return
  }
  const { like, ...others } = create as { readonly like: AnyOptions }
  checkOptionNames(`${where}: create`, others, ['like'])
  checkOptionNames(`${where}: create.like`, like, [...locationOptions, 'collection'])
  checkText(`${where}: create.like`, 'collection', like.collection)
  checkLocation(`${where}: create.like`, like)
}
