import { DroverError } from '@drover/core'
import { loadExport } from '../modules/load-module.js'
import { object, whole } from '../shape/shape.js'
import { loadPackage } from './load-package.js'
import type { Making } from './store-type.js'

type Options = Readonly<Record<string, unknown>>

/** How what makes the vectors is called, in the words of a file. */
export const embeddingShape = object(
  {
    batchSize: whole(1, 'Texts of one call. Default: 96.'),
    batchCharacters: whole(1, 'Characters of one call. Default: 100000.'),
    concurrency: whole(1, 'Calls at once. Default: 4.'),
    requestsPerSecond: whole(1, 'Calls that begin in a second. Default: no ceiling.'),
    timeoutMs: whole(1, 'How long one call may take, in milliseconds. Default: 60000.'),
    maxRetries: whole(0, 'How often a call is made again. Default: 5.'),
    cacheBytes: whole(0, 'Memory for the vectors of texts that come again, in bytes. Default: 67108864.'),
  },
  [],
  'How the embedder is called.',
)

/**
 * Options of a sink with what makes the vectors: a model of an OpenAI-compatible endpoint, or a function of the user's own.
 *
 * @throws `OPTION_INVALID` where the endpoint's key is missing, or both are given.
 */
export async function withEmbed(options: Options, making: Making): Promise<Options> {
  const { embeddingModel, embedder, dimensions, ...rest } = options
  if (embeddingModel !== undefined && embedder !== undefined)
    throw new DroverError('OPTION_INVALID', 'Vectors are made by a model or by an embedder of your own, not by both.')
  const made =
    typeof embeddingModel === 'string'
      ? await openAi(embeddingModel, dimensions, making)
      : typeof embedder === 'string'
        ? await ownEmbedder(embedder, making)
        : undefined
  return {
    ...rest,
    ...(made === undefined ? {} : { embed: making.isDryRun ? silent(made) : made }),
  }
}

/** @throws `OPTION_INVALID` */
async function openAi(model: string, dimensions: unknown, { env, folder }: Making): Promise<object> {
  const apiKey = env.OPENAI_API_KEY
  if (apiKey === undefined || apiKey === '')
    throw new DroverError(
      'OPTION_INVALID',
      `the model ${model} is asked at an OpenAI-compatible endpoint, and the variable OPENAI_API_KEY is not set. Set it (--env-file .env), and OPENAI_BASE_URL for another endpoint than OpenAI's; or name a function of your own: embedder: ./embed.ts#embed`,
    )
  const { openAiEmbedder } = await loadPackage('qdrant', { package: '@drover/adapter-qdrant', roles: {} }, folder)
  const baseUrl = env.OPENAI_BASE_URL
  return (openAiEmbedder as (options: object) => object)({
    model,
    apiKey,
    ...(baseUrl === undefined || baseUrl === '' ? {} : { baseUrl }),
    ...(dimensions === undefined ? {} : { dimensions }),
  })
}

async function ownEmbedder(reference: string, { folder }: Making): Promise<object> {
  const { value } = await loadExport(reference, folder)
  if (typeof value === 'function') return value
  throw new DroverError('OPTION_INVALID', `${reference} exports no function (texts) => vectors`)
}

/** A dry run asks nobody: what is known of the vectors is known without. */
function silent(embed: object): object {
  const never = () => {
    throw new DroverError('CONTRACT_BROKEN', 'A dry run makes no vectors, and was asked for some.')
  }
  const { model, dimensions } = embed as { readonly model?: unknown; readonly dimensions?: unknown }
  return Object.assign(never, {
    ...(model === undefined ? {} : { model }),
    ...(dimensions === undefined ? {} : { dimensions }),
  })
}
