import { readFile } from 'node:fs/promises'
import { DroverError, inputError, type RecordSchema, systemCode } from '@drover/core'

/** What a manifest says of the files of a data set, as far as reading goes. */
export interface ReadManifest {
  readonly schema: RecordSchema
  readonly partitionBy: readonly string[]
  readonly files: readonly ManifestFile[]
}

export interface ManifestFile {
  readonly path: string
  readonly rows: number
  readonly bytes: number
  readonly partition?: Readonly<Record<string, string | null>>
}

export const manifestName = '_manifest.json'

/**
 * Reads the manifest of a data set; null if it has none of ours.
 *
 * @throws `SOURCE_INVALID` for one that cannot be read
 */
export async function readManifest(folder: string): Promise<ReadManifest | null> {
  const path = `${folder}/${manifestName}`
  const text = await textOf(path)
  if (text === null) return null
  let value: Partial<ReadManifest> & { writer?: unknown; version?: unknown }
  try {
    value = (JSON.parse(text) ?? {}) as typeof value
  } catch (error) {
    throw invalid(path, 'is no JSON', error)
  }
  if (value.writer !== 'drover') return null
  if (value.version !== 1)
    throw invalid(path, `has version ${JSON.stringify(value.version)}, and this one of Drover reads 1`)
  const { schema, partitionBy = [], files } = value
  if (!Array.isArray(schema?.fields) || !Array.isArray(partitionBy) || !Array.isArray(files) || !files.every(isFile)) {
    throw invalid(path, 'does not hold what a manifest holds')
  }
  return { schema: { fields: schema.fields, key: schema.key ?? [] }, partitionBy, files }
}

function isFile(file: unknown): file is ManifestFile {
  const { path, rows, bytes } = (file ?? {}) as Partial<ManifestFile>
  // It names what is in its folder, and nothing beside it.
  if (typeof path !== 'string' || path === '' || /^[/\\]|(^|[/\\])\.\.([/\\]|$)/.test(path)) return false
  return Number.isSafeInteger(rows) && Number.isSafeInteger(bytes)
}

async function textOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    throw inputError(error, path)
  }
}

function invalid(path: string, is: string, cause?: unknown): DroverError {
  return new DroverError(
    'SOURCE_INVALID',
    `${path} ${is}. Write the data set anew, or read all files of the folder with manifest: 'ignore'.`,
    {
      cause,
    },
  )
}
