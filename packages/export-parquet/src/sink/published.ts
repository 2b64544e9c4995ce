import { type FileIdentity, identityOf } from '@drover/core'
import { type DatasetFile, type DatasetManifest, NoManifest, readManifest } from './dataset-manifest.js'

/** What stands there of a data set. */
export interface Published {
  readonly manifest: DatasetManifest | null
  readonly files: readonly DatasetFile[]
  /** Of the manifest's file. */
  readonly identity: FileIdentity | null
  /** What stands in the place of a manifest, or of one that was written with the option for it set otherwise, and is none. */
  readonly unreadable: readonly { readonly path: string; readonly why: NoManifest }[]
}

/** The manifest that stands there; its files, and those of one that was written with the option for it set otherwise. */
export async function publishedAt(path: string | null, otherPath: string | null): Promise<Published> {
  const found: (DatasetManifest | null)[] = []
  const unreadable: { readonly path: string; readonly why: NoManifest }[] = []
  for (const place of [path, otherPath]) {
    const read = place === null ? null : await readManifest(place)
    if (read instanceof NoManifest) unreadable.push({ path: place as string, why: read })
    found.push(read instanceof NoManifest ? null : read)
  }
  const [manifest = null, other = null] = found
  const files = new Map([...(other?.files ?? []), ...(manifest?.files ?? [])].map((file) => [file.path, file]))
  const current = manifest === null ? otherPath : path
  const identity = current === null ? null : await identityOf(current)
  return { manifest: manifest ?? other, files: [...files.values()], identity, unreadable }
}
