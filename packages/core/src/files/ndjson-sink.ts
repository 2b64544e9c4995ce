import { dirname } from 'node:path'
import type { ExactSink } from '../contracts/sink.js'
import { pathName } from '../disk/path-name.js'
import { checkChoice, checkFlag, checkOptionNames, checkText } from '../errors/check-options.js'
import { ndjson } from './file-format.js'
import type { JsonEnvelope } from './json-envelope.js'
import type { JsonValues } from './json-values.js'
import { ndjsonSource } from './ndjson-source.js'
import { outputError } from './output-error.js'
import { locateFile } from './output-location.js'
import { outputStateStore } from './output-state-store.js'
import { SingleFileSession } from './single-file-session.js'

/** Options of {@link ndjsonSink}. */
export interface NdjsonSinkOptions {
  /** The file. Folders that are missing are made; the folder `.drover` beside it keeps what a run has written so far. */
  readonly path: string
  /** Compress it. @default false */
  readonly gzip?: boolean
  /** What becomes of values that JSON cannot hold, see `encodeJson`: written with tags, or refused. @default 'extended' */
  readonly values?: JsonValues
  /** What becomes of a file that is there already when a run begins. An incremental run continues it either way. @default 'replace' */
  readonly onExisting?: 'replace' | 'error'
}

/**
 * Writes a record per line, exactly once: whatever happens to the process, the next attempt goes on behind the last
 * committed batch. The file appears when the run is complete, as a whole; until then an older one stays as it is.
 *
 * @throws `OPTION_INVALID`; while connecting or writing `SINK_NOT_READY` (a folder in its place, a file that is not to be
 * replaced), `STORE_DENIED`, `STORE_FULL`, `FENCED`, `RECORD_REFUSED` (a value that has no form in JSON), `STATE_INVALID`
 * (resumed with another format).
 *
 * @example
 * await runPipeline({ name: 'export', source, sink: ndjsonSink({ path: 'export/messages.ndjson' }) })
 */
export function ndjsonSink(options: NdjsonSinkOptions): ExactSink<object> {
  checkOptionNames('ndjsonSink', options, ['path', 'gzip', 'values', 'onExisting'])
  checkText('ndjsonSink', 'path', options.path)
  checkFlag('ndjsonSink', 'gzip', options.gzip)
  checkChoice('ndjsonSink', 'values', options.values, ['extended', 'plain'])
  checkChoice('ndjsonSink', 'onExisting', options.onExisting, ['replace', 'error'])
  const { path, gzip = false, values = 'extended', onExisting = 'replace' } = options
  return {
    specVersion: 1,
    name: `ndjson:${pathName(path)}`,
    ...versionOf(gzip, values),
    guarantee: 'exactly-once',
    keyed: false,
    takesOneRun: true,
    batchSize: fileBatchSize,
    limits: { partitions: mostPartitions },
    stateStore: () => outputStateStore(path, dirname(path)),
    connect: async ({ warn }) => {
      const location = await locateFile(path).catch((error: unknown) => {
        throw outputError(error, path)
      })
      const readBack = () => ndjsonSource({ path, values })
      const folder = dirname(location.path)
      return new SingleFileSession({
        output: path,
        folder,
        location,
        format: ndjson,
        gzip,
        values,
        onExisting,
        readBack,
        warn,
      })
    },
  }
}

/** Above this the time for one more fsync per batch no longer shows. */
export const fileBatchSize = 20_000

/** Each has a file open. */
export const mostPartitions = 64

/** What the parts of a run must have in common. */
export function versionOf(
  gzip: boolean,
  values: JsonValues,
  indent = 0,
  envelope?: JsonEnvelope,
): { version?: string } {
  const traits = [
    ...(gzip ? ['gzip'] : []),
    ...(values === 'plain' ? ['plain'] : []),
    ...(indent > 0 ? [`indent ${indent}`] : []),
    ...(envelope === undefined ? [] : [`envelope ${JSON.stringify([envelope.member, envelope.before ?? {}])}`]),
  ]
  return traits.length === 0 ? {} : { version: traits.join(', ') }
}
