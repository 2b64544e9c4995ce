import { DroverError } from '@drover/core'
import type { Relation } from './relation.js'

/**
 * Refuses to catch up where rows do not say which transaction wrote them.
 *
 * @throws `OPTION_INVALID`
 */
export function requireXmin({ kind, shown }: Relation): void {
  if (kind === 'table' || kind === 'partitioned table') return
  throw new DroverError(
    'OPTION_INVALID',
    `${shown}: catchUp needs a table, whose rows say which transaction wrote them; a ${kind} does not. Read the table behind it, or leave catchUp out.`,
  )
}
