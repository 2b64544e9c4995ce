import type { CommitBatch } from '../contracts/sink.js'
import type { Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import type { HeldPage } from './held-page.js'
import type { OpenBatch } from './open-batch.js'

type Place = readonly [page: number, record: number]

export interface IsolateHelp {
  /** Finds out whether the sink takes a part of the batch. */
  readonly probe: (part: CommitBatch<Row>) => Promise<void>
  /** Told of each record that was taken out; throws if that is one too many. */
  readonly onRefused: () => void
}

/**
 * Takes the records that the sink refuses out of a batch: those it named, else all that a search finds. Nothing is
 * committed during the search. True if one was found.
 */
export async function isolate(batch: OpenBatch, refusal: DroverError, help: IsolateHelp): Promise<boolean> {
  const refuse = (place: Place, error: DroverError, row?: Row): void => {
    const held = batch.held[place[0]] as HeldPage
    held.refuse(place[1], error, row)
    help.onRefused()
  }
  const told = namedBy(batch, refusal)
  for (const { place, error, row } of told) refuse(place, error, row)
  if (told.length > 0) return true
  let found = false
  for (;;) {
    const places = batch.recordsWithRows()
    const again = await refusalOf(places)
    if (again === undefined) return found
    const guessed = await named(again)
    const alone = guessed ?? (await refusedAlone(places))
    const culprit = alone ?? (await refusedBesideAnother(places))
    if (culprit === undefined) return found
    refuse(culprit.place, culprit.error)
    found = true
    // Where one is refused alone, others are likely to be.
    if (guessed === undefined && alone !== undefined) await refuseMore(places.slice(places.indexOf(alone.place) + 1))
  }

  async function refusalOf(places: readonly Place[]): Promise<DroverError | undefined> {
    if (places.length === 0) return undefined
    try {
      await help.probe(batch.probe(places))
      return undefined
    } catch (error) {
      if (DroverError.isInstance(error, 'RECORD_REFUSED')) return error
      throw error
    }
  }

  /** What a probe of all of them names; it may be a guess, so it has to be refused alone too. */
  async function named({ row }: DroverError): Promise<Culprit | undefined> {
    const at = row === undefined ? undefined : batch.locate(row)
    if (at === undefined) return undefined
    const place: Place = [at.page, at.record]
    const error = await refusalOf([place])
    return error === undefined ? undefined : { place, error }
  }

  /** By halves: each of them is half as long as the one before. */
  async function refusedAlone(places: readonly Place[]): Promise<Culprit | undefined> {
    let span = places
    while (span.length > 1) {
      const half = span.slice(0, span.length >> 1)
      span = (await refusalOf(half)) === undefined ? span.slice(half.length) : half
    }
    const error = await refusalOf(span)
    return error === undefined ? undefined : { place: span[0] as Place, error }
  }

  /**
   * Takes out the others that are refused alone, both halves being looked into: fifty cost a few writings of the batch, not one each.
   * It gives up where halves are refused again and again in which no record is.
   */
  async function refuseMore(places: readonly Place[]): Promise<void> {
    let patience = probesInVain
    const look = async (span: readonly Place[]): Promise<void> => {
      const [only] = span
      if (only === undefined || patience-- <= 0) return
      const error = await refusalOf(span)
      if (error === undefined) return
      if (span.length === 1) {
        refuse(only, error)
        patience = probesInVain
        return
      }
      const middle = span.length >> 1
      await look(span.slice(0, middle))
      await look(span.slice(middle))
    }
    await look(places)
  }

  /**
   * Each alone is taken, all together are not: the second row of a key, say. The shortest beginning that is refused ends
   * with it, and the shortest end of that begins with the one it does not go with. If the two are taken without the others,
   * it was their number, or a moment's trouble, and no record is to blame.
   */
  async function refusedBesideAnother(places: readonly Place[]): Promise<Culprit | undefined> {
    const second = await border(places.length, 0, (end) => refusalOf(places.slice(0, end)))
    const first = await border(0, second - 1, (start) => refusalOf(places.slice(start, second)))
    const place = places[second - 1] as Place
    const error = await refusalOf([places[first] as Place, place])
    return error === undefined ? undefined : { place, error }
  }
}

/** The records that the sink named. Places of rows are those from before any of them is taken out. */
function namedBy(batch: OpenBatch, refusal: DroverError): readonly Named[] {
  const named: Named[] = []
  for (const error of [refusal, ...(refusal.alsoRefused ?? [])]) {
    const found = error.row === undefined ? undefined : batch.locate(error.row)
    if (found === undefined) break
    named.push({ place: [found.page, found.record], error, row: found.row })
    // Its other rows go with it, and they may have been what the rows behind it were refused for.
    if (!found.isAlone) break
  }
  return named
}

/** More than the way down to a record among a million, and up again. */
const probesInVain = 64

/** The place next to `taken` that is still refused, `refused` being one that is. */
async function border(
  refused: number,
  taken: number,
  refusalAt: (place: number) => Promise<DroverError | undefined>,
): Promise<number> {
  let [no, yes] = [refused, taken]
  while (Math.abs(no - yes) > 1) {
    const middle = (no + yes) >> 1
    if ((await refusalAt(middle)) === undefined) yes = middle
    else no = middle
  }
  return no
}

interface Culprit {
  readonly place: Place
  readonly error: DroverError
}

interface Named extends Culprit {
  readonly row: Row
}
