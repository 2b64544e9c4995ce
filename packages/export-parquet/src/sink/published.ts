import { type FileIdentity, identityOf } from '@drover/core'
import { type DatasetFile, type DatasetManifest, readManifest } from './dataset-manifest.js'

/** What stands there of a data set. */
export interface Published {
  readonly manifest: DatasetManifest | null
  readonly files: readonly DatasetFile[]
  /** Of the manifest's file. */
  readonly identity: FileIdentity | null
}

/** The manifest that stands there; its files, and those of one that was written with the option for it set otherwise. */
export async function publishedAt(path: string | null, otherPath: string | null): Promise<Published> {
  const manifest = path === null ? null : await readManifest(path)
  const other = otherPath === null ? null : await readManifest(otherPath)
  const files = new Map([...(other?.files ?? []), ...(manifest?.files ?? [])].map((file) => [file.path, file]))
  const current = manifest === null ? otherPath : path
  const identity = current === null ? null : await identityOf(current)
  return { manifest: manifest ?? other, files: [...files.values()], identity }
}
