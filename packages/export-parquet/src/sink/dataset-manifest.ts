import { type JsonValue, outputError, type RecordSchema, readIfThere, systemCode } from '@drover/core'

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

/** What stands where a manifest is to be, and why it is none of ours. */
export class NoManifest {
  constructor(
    /** What is said behind its path. */
    readonly is: string,
    /** What is to be done about it, as a sentence. */
    readonly remedy: string,
  ) {}
}

/** The manifest in a file; null if there is no file. */
export async function readManifest(path: string): Promise<DatasetManifest | NoManifest | null> {
  let text: string | null
  try {
    text = await readIfThere(path)
  } catch (error) {
    if (systemCode(error) === 'EISDIR') return new NoManifest('is a folder', moveAway)
    throw outputError(error, path)
  }
  return text === null ? null : parseManifest(text)
}

const restore =
  "Put it back as it was, empty the folder, or name another one; parquetSource reads its files with manifest: 'ignore'."
const moveAway = 'Move it away, or name another path.'

export function parseManifest(text: string): DatasetManifest | NoManifest {
  let value: Partial<DatasetManifest> | null
  try {
    value = JSON.parse(text) as typeof value
  } catch {
    const is = text.trim() === '' ? 'is empty' : 'is no whole JSON'
    return new NoManifest(`${is}: it was damaged, or is of another program`, restore)
  }
  if (value?.writer !== 'drover') return new NoManifest('is of another program', moveAway)
  if ((value.version as unknown) !== 1) {
    return new NoManifest(
      `has version ${JSON.stringify(value.version)}, and this Drover knows 1`,
      'Use the Drover that wrote it, or name another path.',
    )
  }
  return isWhole(value) ? value : new NoManifest('does not hold what a manifest of Drover holds', restore)
}

function isWhole(value: Partial<DatasetManifest>): value is DatasetManifest {
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
