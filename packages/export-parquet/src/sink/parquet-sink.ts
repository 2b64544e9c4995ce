import { dirname } from 'node:path'
import {
  DroverError,
  type ExactSink,
  locateFile,
  locateFolder,
  outputError,
  outputStateStore,
  pathName,
  type SinkOperation,
} from '@drover/core'
import { manifestName } from './dataset-manifest.js'
import { foldsNames } from './folds-names.js'
import { ParquetSession } from './parquet-session.js'
import type { ParquetSessionOptions } from './parquet-session-options.js'
import { checkParquetSinkOptions, type ParquetSinkOptions, type Settings } from './parquet-sink-options.js'

/** Each has two files open. */
const mostPartitions = 64

/**
 * Writes Parquet, exactly once: whatever happens to the process, the next attempt goes on behind the last committed batch. Row groups are
 * written as they fill. The output appears when the run is complete: one file by one rename; of a data set the files get their names
 * one after the other, and then its manifest, which says which files it consists of, is replaced by one rename.
 *
 * @throws `OPTION_INVALID`; while checking `NAME_UNKNOWN` (`partitionBy`, `types`), `FIDELITY_LOSS`; while connecting or writing
 * `SINK_NOT_READY` (a folder in the file's place, files of somebody else, other columns than those that are added to), `STORE_DENIED`,
 * `STORE_FULL`, `FENCED`, `RECORD_REFUSED` (a value that its column cannot hold), `STATE_INVALID` (resumed with other columns).
 *
 * @example
 * parquetSink({ outputPath: 'export/messages.parquet' })
 * @example
 * parquetSink({ outputPath: 'export/messages', partitionBy: ['day'], compression: 'zstd', types: { price: 'decimal(12,2)' } })
 */
export function parquetSink(options: ParquetSinkOptions): ExactSink<object> {
  const settings = checkParquetSinkOptions(options)
  const { outputPath, kind, rowGroupRows } = settings
  const folder = kind === 'file' ? dirname(outputPath) : outputPath
  return {
    specVersion: 1,
    name: `parquet:${pathName(outputPath)}`,
    version: versionOf(settings),
    guarantee: 'exactly-once',
    keyed: false,
    takesOneRun: true,
    batchSize: rowGroupRows,
    limits: { partitions: mostPartitions },
    stateStore: () => outputStateStore(outputPath, folder),
    connect: async (operation) => {
      try {
        return new ParquetSession(await sessionOptions(settings, operation))
      } catch (error) {
        throw outputError(error, outputPath)
      }
    },
  }
}

/** What all parts of a run must have in common. */
function versionOf({ compression, partitionBy, types }: Settings): string {
  const traits = [
    compression,
    ...(partitionBy.length === 0 ? [] : [`by ${partitionBy.join(', ')}`]),
    ...(Object.keys(types).length === 0 ? [] : [`types ${JSON.stringify(types)}`]),
  ]
  return traits.join('; ')
}

async function sessionOptions(settings: Settings, { info, warn }: SinkOperation): Promise<ParquetSessionOptions> {
  const { outputPath: output, kind, manifest } = settings
  const shared = { ...settings, output, info: (message: string) => info?.(message), warn }
  if (kind === 'file') {
    const { path, staging } = await locateFile(output)
    const beside = `${path}.manifest.json`
    const paths = manifest
      ? { manifestPath: beside, otherManifestPath: null }
      : { manifestPath: null, otherManifestPath: beside }
    return { ...shared, ...paths, path, staging, root: dirname(path), folds: false }
  }
  const { path } = await locateFolder(output).catch((error: unknown) => {
    if (!DroverError.isInstance(error, 'SINK_NOT_READY')) throw error
    throw new DroverError(
      'SINK_NOT_READY',
      `${output} is a file, and a data set is a folder. Name a folder, or, for one file, a path that ends in .parquet, without partitionBy.`,
      { cause: error },
    )
  })
  const shown = `${path}/${manifestName}`
  const hidden = `${path}/.drover/files/parquet.json`
  const paths = manifest
    ? { manifestPath: shown, otherManifestPath: hidden }
    : { manifestPath: hidden, otherManifestPath: shown }
  return {
    ...shared,
    ...paths,
    path,
    staging: `${path}/.drover/files/parquet`,
    root: path,
    folds: await foldsNames(path),
  }
}
