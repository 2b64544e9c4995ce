import { checkOptionNames, checkWholeNumber, DroverError, shown } from '@drover/core'
import type { EmbeddingOptions } from './embedder.js'

const names = [
  'batchSize',
  'batchCharacters',
  'concurrency',
  'requestsPerSecond',
  'timeoutMs',
  'maxRetries',
  'cacheBytes',
] as const

/** @throws `OPTION_INVALID` */
export function checkEmbedding(where: string, options: EmbeddingOptions | undefined): void {
  if (options === undefined) return
  const within = `${where}: embedding`
  checkOptionNames(within, options, names)
  for (const name of ['batchSize', 'batchCharacters', 'concurrency', 'timeoutMs'] as const)
    checkWholeNumber(within, name, options[name], 1)
  for (const name of ['maxRetries', 'cacheBytes'] as const) checkWholeNumber(within, name, options[name], 0)
  const rate: unknown = options.requestsPerSecond
  if (rate === undefined || (typeof rate === 'number' && rate > 0 && Number.isFinite(rate))) return
  throw new DroverError('OPTION_INVALID', `${within}: requestsPerSecond is a number above 0, not ${shown(rate)}.`)
}
