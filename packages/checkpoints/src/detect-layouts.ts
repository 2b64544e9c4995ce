import { checkOptionNames } from '@drover/core'
import { checkPlace } from './base/check-place.js'
import { findLayouts } from './detect/find-layouts.js'
import type { LayoutFinding, LayoutOptions } from './layouts/layout.js'
import type { StorePlace } from './layouts/store-place.js'

/** Options of {@link detectLayouts}. */
export interface DetectOptions extends Omit<LayoutOptions, 'place'> {
  readonly signal?: AbortSignal
}

/**
 * Looks at a store for agents' data in a layout that is known. Nothing is written. A layout of a version that is not known is found with a
 * `problem` that says what to do.
 *
 * @throws `OPTION_INVALID`, `PACKAGE_MISSING`, `SOURCE_NOT_FOUND` (the database), `STORE_DENIED`, `STORE_UNAVAILABLE`
 *
 * @example
 * const found = await detectLayouts({ type: 'sqlite', filename: 'checkpoints.db' })
 */
export async function detectLayouts(place: StorePlace, options: DetectOptions = {}): Promise<readonly LayoutFinding[]> {
  const where = 'detectLayouts'
  checkOptionNames(where, options, ['table', 'schema', 'keyPrefix', 'signal'])
  checkPlace(where, { place, ...options })
  const { signal = new AbortController().signal, ...rest } = options
  return findLayouts({ place, ...rest }, { signal })
}
