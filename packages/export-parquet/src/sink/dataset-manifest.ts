import { type JsonValue, type RecordSchema, readIfThere } from '@drover/core'

/** A file of a data set, as its manifest lists it. */
export interface DatasetFile {
  /** Relative to the manifest, with `/`. */
  readonly path: string
  readonly rows: number
  readonly bytes: number
  readonly sha256: string
  readonly rowGroups: number
  /** The values that its folder stands for, as text; null for no value. Absent without `partitionBy`. */
  readonly partition?: Readonly<Record<string, string | null>>
}

/**
 * What an output of {@link parquetSink} consists of: `_manifest.json` in a data set, `<file>.manifest.json` beside one file. It is
 * replaced as a whole once all its files are in their places, so who reads by it sees the old data set or the new one.
 */
export interface DatasetManifest {
  readonly version: 1
  readonly writer: 'drover'
  /** Id of the run that wrote it last. */
  readonly run: string
  /** When that run began, in ISO 8601. */
  readonly createdAt: string
  /** All columns, also those of the folders, and the key. */
  readonly schema: RecordSchema
  readonly partitionBy: readonly string[]
  readonly rows: number
  readonly files: readonly DatasetFile[]
}

/** Name of the manifest in a data set. */
export const manifestName = '_manifest.json'

export function manifestText(manifest: DatasetManifest): string {
  return `${JSON.stringify(manifest as unknown as JsonValue, null, 1)}\n`
}

/** The manifest in a file; null if there is none, or it is not ours. */
export async function readManifest(path: string): Promise<DatasetManifest | null> {
  const text = await readIfThere(path)
  return text === null ? null : parseManifest(text)
}

/** Null for what is no manifest of ours. */
export function parseManifest(text: string): DatasetManifest | null {
  try {
    const value = JSON.parse(text) as Partial<DatasetManifest> | null
    return isOurs(value) ? value : null
  } catch {
    return null
  }
}

function isOurs(value: Partial<DatasetManifest> | null): value is DatasetManifest {
  if (value?.version !== 1 || value.writer !== 'drover') return false
  const { schema, partitionBy, files } = value
  return Array.isArray(schema?.fields) && Array.isArray(partitionBy) && Array.isArray(files) && files.every(isFile)
}

/** Files that it names may be removed: none of them is anywhere but in its own folder. */
function isFile(file: Partial<DatasetFile> | null): boolean {
  const { path, rows, bytes } = file ?? {}
  if (typeof path !== 'string' || !isInside(path)) return false
  return Number.isSafeInteger(rows) && Number.isSafeInteger(bytes)
}

/** Whether a path of a manifest stays below the manifest's folder. */
export function isInside(path: string): boolean {
  return path !== '' && !/^[/\\]|(^|[/\\])\.\.([/\\]|$)/.test(path)
}
