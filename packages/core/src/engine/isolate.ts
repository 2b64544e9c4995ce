import type { CommitBatch } from '../contracts/sink.js'
import type { Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import type { HeldPage } from './held-page.js'
import type { OpenBatch } from './open-batch.js'

type Place = readonly [page: number, record: number]

/**
 * Takes the records that the sink refuses out of a batch: the one it named, else all that a search by halves finds.
 * Nothing is committed during the search. True if one was found.
 */
export async function isolate(
  batch: OpenBatch,
  refusal: DroverError,
  probe: (batch: CommitBatch<Row>) => Promise<void>,
): Promise<boolean> {
  if (refusal.row !== undefined) {
    const place = batch.locate(refusal.row)
    if (place !== undefined) {
      pageAt(batch, place.page).refuse(place.record, refusal, place.row)
      return true
    }
  }
  let found = false
  for (;;) {
    let span = batch.records()
    let said = await refusalOf(span)
    if (said === undefined) return found
    while (span.length > 1) {
      const half = span.slice(0, span.length >> 1)
      const inHalf = await refusalOf(half)
      if (inHalf !== undefined) said = inHalf
      span = inHalf === undefined ? span.slice(half.length) : half
    }
    const [page, record] = span[0] as Place
    // Alone it must be refused too; if it is not, the refusal depends on its neighbours and no record is to blame.
    const alone = await refusalOf(span)
    if (alone === undefined) return found
    pageAt(batch, page).refuse(record, alone)
    found = true
  }

  async function refusalOf(places: readonly Place[]): Promise<DroverError | undefined> {
    if (places.length === 0) return undefined
    try {
      await probe(batch.probe(places))
      return undefined
    } catch (error) {
      if (DroverError.isInstance(error, 'RECORD_REFUSED')) return error
      throw error
    }
  }
}

function pageAt(batch: OpenBatch, page: number): HeldPage {
  return batch.held[page] as HeldPage
}
