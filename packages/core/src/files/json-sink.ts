import { dirname } from 'node:path'
import type { ExactSession, ExactSink } from '../contracts/sink.js'
import { pathName } from '../disk/path-name.js'
import {
  checkChoice,
  checkFlag,
  checkOptionNames,
  checkText,
  checkWholeNumber,
  shown,
} from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { BatchFilesSession } from './batch-files-session.js'
import { jsonArray, jsonInEnvelope } from './file-format.js'
import { fileNamesOf } from './file-names.js'
import { checkEnvelope, type JsonEnvelope } from './json-envelope.js'
import { jsonSource } from './json-source.js'
import type { JsonValues } from './json-values.js'
import { fileBatchSize, mostPartitions, versionOf } from './ndjson-sink.js'
import { outputError } from './output-error.js'
import { locateFile, locateFolder } from './output-location.js'
import { outputStateStore } from './output-state-store.js'
import { SingleFileSession } from './single-file-session.js'

/** Options of {@link jsonSink}: one of `path` and `directory`. */
export interface JsonSinkOptions {
  /** One file that holds one array. Folders that are missing are made. */
  readonly path?: string
  /** A folder of files, one per batch, each an array: `000001.json`, or `<partition>-000001.json` if there are several partitions. */
  readonly directory?: string
  /** Of the files in a directory: a name without its ending, with a # for each digit of their numbers. @default '######' */
  readonly fileName?: string
  /** An object that holds the array, and other members before it. @default the file is the array */
  readonly envelope?: JsonEnvelope
  /** Says in words what `path` and `directory` say; may be left out. @default true with `path`, false with `directory` */
  readonly singleFile?: boolean
  /** Spaces per level; 0 writes a record per line. @default 0 */
  readonly indent?: number
  /** Compress the files; in a directory their names end in `.json.gz`. @default false */
  readonly gzip?: boolean
  /** What becomes of values that JSON cannot hold, see `encodeJson`: written with tags, or refused. @default 'extended' */
  readonly values?: JsonValues
  /**
   * What becomes of files that are there already when a run begins; an incremental run continues them either way.
   * @default 'replace' with `path`; with `directory` those of an earlier run are replaced, others of such a name refuse the run
   */
  readonly onExisting?: 'replace' | 'error'
}

const optionNames = [
  'path',
  'directory',
  'fileName',
  'envelope',
  'singleFile',
  'indent',
  'gzip',
  'values',
  'onExisting',
]

/**
 * Writes JSON arrays, exactly once: whatever happens to the process, the next attempt goes on behind the last committed
 * batch. One file appears when the run is complete, as a whole; until then an older one stays as it is. In a directory each
 * file appears as a whole when its batch is committed, and those of an earlier run go when the new run begins.
 *
 * @throws `OPTION_INVALID`; while connecting or writing `SINK_NOT_READY` (a folder in the file's place, files that are not
 * to be replaced), `STORE_DENIED`, `STORE_FULL`, `FENCED`, `RECORD_REFUSED` (a value that has no form in JSON),
 * `STATE_INVALID` (resumed with another format).
 *
 * @example
 * jsonSink({ path: 'export/messages.json', indent: 2 })
 * @example
 * jsonSink({ directory: 'export/messages', gzip: true })
 * @example
 * // { "source": "chat", "messages": [ … ] }
 * jsonSink({ path: 'messages.json', envelope: { member: 'messages', before: { source: 'chat' } } })
 */
export function jsonSink(options: JsonSinkOptions): ExactSink<object> {
  const { path, directory } = checkOptions(options)
  const { indent = 0, gzip = false, values = 'extended', onExisting, envelope, fileName } = options
  const names = fileNamesOf('jsonSink', fileName)
  const format = envelope === undefined ? jsonArray(indent) : jsonInEnvelope(indent, envelope)
  const output = path ?? directory
  const folder = path === undefined ? directory : dirname(path)
  return {
    specVersion: 1,
    name: `json:${pathName(output)}`,
    ...versionOf(gzip, values, indent, envelope),
    guarantee: 'exactly-once',
    keyed: false,
    takesOneRun: true,
    batchSize: fileBatchSize,
    limits: { partitions: mostPartitions },
    stateStore: () => outputStateStore(output, folder),
    connect: async ({ warn }): Promise<ExactSession<object>> => {
      const shape = { values, ...(envelope === undefined ? {} : { member: envelope.member }) }
      const inFolder = fileName === undefined ? {} : { fileName }
      const readBack = () => jsonSource(path === undefined ? { directory, ...shape, ...inFolder } : { path, ...shape })
      try {
        const location = await (path === undefined ? locateFolder(directory) : locateFile(path))
        const shared = { output, location, format, gzip, values, readBack, warn }
        if (path === undefined) return new BatchFilesSession({ ...shared, folder: location.path, onExisting, names })
        return new SingleFileSession({ ...shared, folder: dirname(location.path), onExisting: onExisting ?? 'replace' })
      } catch (error) {
        throw outputError(error, output)
      }
    },
  }
}

type Place =
  | { readonly path: string; readonly directory?: never }
  | { readonly path?: never; readonly directory: string }

function checkOptions(options: JsonSinkOptions): Place {
  checkOptionNames('jsonSink', options, optionNames)
  const { path, directory, singleFile } = options
  checkFlag('jsonSink', 'singleFile', singleFile)
  checkFlag('jsonSink', 'gzip', options.gzip)
  checkWholeNumber('jsonSink', 'indent', options.indent, 0)
  checkChoice('jsonSink', 'values', options.values, ['extended', 'plain'])
  checkChoice('jsonSink', 'onExisting', options.onExisting, ['replace', 'error'])
  const where = path === undefined ? 'directory' : 'path'
  if ((path === undefined) === (directory === undefined)) {
    throw new DroverError('OPTION_INVALID', 'jsonSink: give path, for one file, or directory, for a file per batch.')
  }
  checkText('jsonSink', where, path ?? directory)
  checkEnvelope('jsonSink', options.envelope)
  if (options.fileName !== undefined && directory === undefined)
    throw new DroverError('OPTION_INVALID', 'jsonSink: fileName names the files of a directory, and path is given.')
  if (singleFile !== undefined && singleFile !== (path !== undefined)) {
    throw new DroverError(
      'OPTION_INVALID',
      `jsonSink: singleFile is ${shown(singleFile)}, which needs ${singleFile ? 'path' : 'directory'}; ${where} is given.`,
    )
  }
  return (path === undefined ? { directory } : { path }) as Place
}
