import { DroverError, type Page, type Row, ValueRefused } from '@drover/core'
import { PointsBody } from '../wire/points-body.js'
import { type PointForm, valuesOf } from './point-form.js'
import type { Draft, PointMaker } from './point-maker.js'
import { Refusals } from './refusals.js'

const mostBytes = 1024 * 1024

/**
 * Makes the requests that these records would become, and sends none. A text stays a text: a rehearsal costs nothing at who embeds.
 *
 * @returns how long it took, in milliseconds
 * @throws `RECORD_REFUSED`
 */
export function makePoints(maker: PointMaker, form: PointForm, pages: readonly Page<Row>[]): number {
  const begun = performance.now()
  const body = new PointsBody(valuesOf(form), form.anyFields)
  const refusals = new Refusals()
  let row = 0
  for (const page of pages) {
    const keys = maker.usesKeys ? page.keys() : []
    for (const [i, record] of page.rows().entries()) {
      const at = row++
      refusals.collect(() => addTo(body, maker, maker.make(record, keys[i], at)))
      if (body.bytes > mostBytes) body.clear()
    }
  }
  refusals.throwAny()
  return performance.now() - begun
}

function addTo(body: PointsBody, maker: PointMaker, { point, row }: Draft): void {
  try {
    body.add(point)
  } catch (error) {
    if (error instanceof ValueRefused) throw maker.refusal(error, row, 'the point')
    if (!DroverError.isInstance(error, 'RECORD_REFUSED')) throw error
    throw new DroverError('RECORD_REFUSED', error.message, { cause: error, row })
  }
}
