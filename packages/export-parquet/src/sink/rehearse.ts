import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  abortError,
  DroverError,
  type Making,
  missingFor,
  type Operation,
  type Page,
  type Rehearsal,
} from '@drover/core'
import { RowGroupBuilder } from '../columns/row-group-builder.js'
import type { ParquetCompression } from '../encode/compression.js'
import { GroupEncoder } from '../encode/group-encoder.js'
import type { OutputPlan } from './details.js'
import type { FolderRouter } from './folder-router.js'
import { keyValues } from './one-file.js'
import { OutputFile } from './output-file.js'
import { rowsOf } from './pour-all.js'

export interface Rehearsed {
  readonly plan: OutputPlan
  readonly compression: ParquetCompression
  readonly router: FolderRouter | null
}

/** Writes the pages to a file in the system's folder for such, and removes it: beside the output nothing is made. */
export async function rehearse(
  making: Making,
  { plan, compression, router }: Rehearsed,
  pages: readonly Page[],
  { signal }: Operation,
): Promise<Rehearsal> {
  const creates = await missingFor(making)
  const scratch = await mkdtemp(join(tmpdir(), 'drover-rehearsal-'))
  const encoder = new GroupEncoder({ compression, plan: plan.plan })
  try {
    // A thread is started once in a run.
    const schema = await encoder.schema(signal)
    const begun = performance.now()
    const builder = new RowGroupBuilder(
      plan.plan,
      making.output,
      plan.partition.map(({ name }) => name),
    )
    let rows = 0
    for (const page of pages) {
      if (signal.aborted) throw abortError(signal)
      routeAll(router, page)
      builder.pour(page)
      rows += rowsOf(page)
    }
    const file = await OutputFile.create(join(scratch, `${randomUUID()}.parquet`))
    try {
      if (builder.rows > 0) await file.add(await encoder.encode(builder.toIpc(), signal))
      await file.finish(schema, keyValues(plan))
    } finally {
      await file.close()
    }
    return { creates, rows, durationMs: performance.now() - begun }
  } finally {
    await encoder[Symbol.asyncDispose]()
    await rm(scratch, { recursive: true })
  }
}

function routeAll(router: FolderRouter | null, page: Page): void {
  router?.route(page, new Set(), (row, error) => {
    throw new DroverError('RECORD_REFUSED', error.message, { cause: error, row })
  })
}
