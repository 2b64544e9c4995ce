import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Page } from '../contracts/page.js'
import type { Rehearsal } from '../contracts/sink.js'
import type { Operation } from '../contracts/values.js'
import { abortError } from '../engine/retry.js'
import { PieceBuffers, RecordWriter, type RecordWriting } from './record-writer.js'
import { PartFile } from './staging/part-file.js'

/** What a run makes. */
export interface Making {
  /** As the user named it. */
  readonly output: string
  readonly kind: 'file' | 'folder'
  /** Absolute: where the finished files stand. */
  readonly folder: string
  readonly path: string
}

/** Writes the pages to a file in the system's folder for such, and removes it: beside the output nothing is made. */
export async function rehearseFiles(
  making: Making,
  writing: RecordWriting,
  pages: readonly Page<object>[],
  { signal }: Operation,
): Promise<Rehearsal> {
  const creates = await missingFor(making)
  const scratch = await mkdtemp(join(tmpdir(), 'drover-rehearsal-'))
  try {
    const part = await PartFile.create(scratch, 0)
    try {
      const begun = performance.now()
      const writer = new RecordWriter(writing, new PieceBuffers(), part, '')
      for (const page of pages) {
        if (signal.aborted) throw abortError(signal)
        await writer.page(page)
      }
      await writer.end()
      await part.settle()
      return { creates, rows: writer.rows, durationMs: performance.now() - begun }
    } finally {
      await part.close()
    }
  } finally {
    await rm(scratch, { recursive: true })
  }
}

/** What a run would make, as a person would name it: folders, from the outermost that is not there; then the output itself. */
export async function missingFor({ output, kind, folder, path }: Making): Promise<readonly string[]> {
  const folders: string[] = []
  for (let at = folder; (await stat(at).catch(() => null)) === null && dirname(at) !== at; at = dirname(at))
    folders.unshift(at)
  const made = folders.filter((one) => kind === 'file' || one !== path).map((one) => `folder "${one}"`)
  const isThere = kind === 'file' ? (await stat(path).catch(() => null)) !== null : !folders.includes(path)
  return isThere ? made : [...made, `${kind} "${output}"`]
}
