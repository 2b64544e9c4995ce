import { DroverError } from '@drover/core'
import type { Dialect } from '../contracts/migration.js'
import type { StepOptions } from '../contracts/steps.js'
import { bareStatement } from '../database/statement-shown.js'

/** @throws `REVISION_INVALID` for what cannot be in the transaction that the revision is. */
export function checkOutside(
  sql: string,
  { isOutside = false, by }: StepOptions,
  dialect: Dialect,
  isInTransaction: boolean,
): void {
  if (!isOutside || !isInTransaction) return
  const asked = by === undefined ? '' : ` (${by})`
  throw new DroverError(
    'REVISION_INVALID',
    `${bareStatement(sql, dialect)}${asked} cannot be in a transaction, and the revision is one: put it into a revision of its own with transaction: 'none'.`,
  )
}
