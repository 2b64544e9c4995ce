import { suggestNames } from '@drover/core'
import type { FileProblems } from '../file/file-problems.js'
import type { GivenMap } from '../file/given.js'
import type { ChosenPart, PipelineParts } from '../pipeline-file.js'
import { placeOf, ShapeChecker } from '../shape/check-shape.js'
import { documentShape, documentTransformers } from './document-shape.js'
import { runName } from './run-name.js'

/** What the configuration of the migration tool says, in the words of a pipeline's file. */
export interface DocumentParts {
  readonly parts: PipelineParts
  readonly isDryRun: boolean
  /** Where a part of the pipeline stands in the configuration. */
  readonly at: (path: readonly (string | number)[]) => readonly (string | number)[]
}

/** The members that a file has in this form, and in no other. */
const ownMembers = Object.keys(documentShape.fields).filter((name) => name !== 'name')

/** Whether it is a configuration of the migration tool, and not a pipeline in Drover's own words. */
export function isDocument(given: GivenMap): boolean {
  return (
    !given.entries.has('source') && !given.entries.has('sink') && ownMembers.some((name) => given.entries.has(name))
  )
}

/**
 * Checks a configuration of the migration tool and says it in the words of a pipeline's file.
 *
 * @throws `OPTION_INVALID` with every problem and its place.
 */
export function documentParts(given: GivenMap, problems: FileProblems, what: string): DocumentParts {
  const checked = new ShapeChecker(problems).check(given, documentShape, what) as Checked
  const { source_type, source_config, destination_type, destination_config, transformers = [], ...rest } = checked
  const modules = rest.transformer_modules ?? {}
  const transform = transformers.flatMap((name, i): ChosenPart[] => {
    if (typeof name !== 'string') return [] // refused already
    const own = Object.hasOwn(modules, name) ? modules[name] : undefined
    if (own !== undefined) return [{ module: own }]
    const type = Object.hasOwn(documentTransformers, name) ? documentTransformers[name] : undefined
    if (type !== undefined) return [{ type }]
    const known = [...Object.keys(documentTransformers), ...Object.keys(modules)]
    const hint = 'One of your own is named by transformer_modules.'
    const place = placeOf(given, 'transformers', i)
    problems.add(place, `there is no transformer ${JSON.stringify(name)}${suggestNames(name, known)} ${hint}`)
    return []
  })
  if (source_config?.decode_responses === false)
    problems.add(
      placeOf(given, 'source_config', 'decode_responses'),
      'decode_responses is true: checkpoints and messages are read as their layout has them. Leave it out. Plain keys as bytes are read by a source of type redis',
    )
  problems.refuse()
  const filters = rest.filters === undefined ? {} : { filters: rest.filters }
  const source = { ...partOf(source_type, source_config, sourceTypes), ...filters }
  const sink = partOf(destination_type, destination_config, sinkTypes)
  return {
    isDryRun: rest.dry_run ?? false,
    at: (path) => placed(path),
    parts: {
      name: rest.name ?? runName({ source, sink, transform }),
      source,
      sink,
      ...(transform.length === 0 ? {} : { transform }),
      ...(rest.batch_size === undefined ? {} : { batchSize: rest.batch_size }),
      maxRejected: rest.max_rejected ?? defaultMaxRejected,
    },
  }
}

/** Stores of agents have some odd record; a migration of thousands is not to stop for the first one. */
const defaultMaxRejected = 100

interface Checked {
  readonly source_type: string
  readonly source_config: Config
  readonly destination_type: string
  readonly destination_config: Config
  readonly filters?: object
  readonly transformers?: readonly string[]
  readonly transformer_modules?: Readonly<Record<string, string>>
  readonly batch_size?: number
  readonly dry_run?: boolean
  readonly max_rejected?: number
  readonly name?: string
}

type Config = Readonly<Record<string, unknown>>

/** What a type of the document is in a pipeline's file, and what its members are called there. */
interface Meaning {
  readonly part: ChosenPart
  readonly names: Readonly<Record<string, string>>
}

const shared = { on_conflict: 'onConflict', embedding_model: 'embeddingModel' }
const postgres: Meaning = {
  part: { type: 'checkpoints', store: 'postgres' },
  names: { ...shared, connection_string: 'connection', table_name: 'table' },
}
const sqlite: Meaning = {
  part: { type: 'checkpoints', store: 'sqlite' },
  names: { ...shared, connection_string: 'filename', table_name: 'table' },
}
const redis: Meaning = {
  part: { type: 'checkpoints', store: 'redis' },
  names: { ...shared, redis_url: 'connection', key_prefix: 'keyPrefix' },
}
const qdrant: Meaning = {
  part: { type: 'checkpoints', store: 'qdrant' },
  names: { ...shared, qdrant_url: 'url', api_key: 'apiKey' },
}
const sourceTypes: Readonly<Record<string, Meaning>> = {
  postgresql: postgres,
  postgres,
  sqlite,
  redis,
  unified: qdrant,
  qdrant,
}
const sinkTypes: Readonly<Record<string, Meaning>> = {
  ...sourceTypes,
  json: { part: { type: 'checkpoints-json' }, names: { output_dir: 'outputDir', single_file: 'singleFile' } },
  parquet: { part: { type: 'checkpoints-parquet' }, names: { output_path: 'path', partition_by: 'partitionBy' } },
}

function partOf(type: string, config: Config, types: Readonly<Record<string, Meaning>>): ChosenPart {
  const { part, names } = types[type] as Meaning
  const options = Object.entries(config)
    .filter(([name]) => name !== 'decode_responses' && name !== 'embedding_timeout')
    .map(([name, value]) =>
      name === 'aes_key' ? ['keys', { aes: value }] : [names[name] ?? name, ofValue(name, value)],
    )
  return { ...part, ...(Object.fromEntries(options) as object), ...embeddingOf(config) }
}

/** The run tries a batch again as a whole, and tells of it: an endpoint that hangs is not to be waited for that often within each batch, too. */
function embeddingOf({ embedding_model, embedder, embedding_timeout }: Config): object {
  if ((embedding_model ?? embedder ?? embedding_timeout) === undefined) return {}
  const timeout =
    embedding_timeout === undefined ? {} : { timeoutMs: Math.round(Number(embedding_timeout) * millisecondsPerSecond) }
  return { embedding: { maxRetries: 1, ...timeout } }
}

const millisecondsPerSecond = 1000

function ofValue(name: string, value: unknown): unknown {
  // SQLAlchemy's URLs name a driver of Python's: postgresql+psycopg://
  if (name === 'connection_string' && typeof value === 'string')
    return value.replace(/^(postgres(?:ql)?|sqlite)\+\w+:/i, '$1:')
  if (name === 'partition_by' && typeof value === 'string') return [value]
  return value
}

/** Messages about a part of the pipeline are to name the place in the configuration that it was made of. */
function placed([first, second, ...rest]: readonly (string | number)[]): readonly (string | number)[] {
  if (first === 'transform') return second === undefined ? ['transformers'] : ['transformers', second]
  if (first !== 'source' && first !== 'sink') return first === undefined ? [] : [first]
  const side = first === 'source' ? 'source' : 'destination'
  if (second === undefined || second === 'type') return [`${side}_type`]
  if (second === 'filters') return ['filters', ...rest]
  const types = first === 'source' ? sourceTypes : sinkTypes
  const given = Object.values(types).flatMap(({ names }) => Object.entries(names))
  if (second === 'keys') return [`${side}_config`, 'aes_key']
  if (second === 'embedding') return [`${side}_config`, 'embedding_timeout']
  const name = given.find(([, inner]) => inner === second)?.[0] ?? second
  return [`${side}_config`, name, ...rest]
}
