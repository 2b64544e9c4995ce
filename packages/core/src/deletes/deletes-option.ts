import type { Removing, Sink } from '../contracts/sink.js'
import { checkFlag, checkOptionNames, checkText, shown } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'

/**
 * What becomes of rows in the destination that a full run of a pipeline does not give any more: they stay, are deleted, or get the time of the
 * run (true in a boolean field, 1 in a number's) in a field, and null (false, 0) again once the record is back. With `allowEmpty` also
 * where the run gives no row at all, which else leaves all rows alone.
 */
export type Deletes =
  | 'ignore'
  | 'propagate'
  | { readonly propagate: true; readonly allowEmpty?: boolean }
  | { readonly mark: string; readonly allowEmpty?: boolean }

/** What the option asks for, given in full. */
export interface DeletesWanted {
  readonly removing: Removing
  readonly allowEmpty: boolean
}

/** Null if rows are to stay. @throws `OPTION_INVALID` */
export function deletesWanted(where: string, deletes: Deletes | undefined): DeletesWanted | null {
  if (deletes === undefined || deletes === 'ignore') return null
  if (deletes === 'propagate') return { removing: { kind: 'delete' }, allowEmpty: false }
  if (typeof deletes !== 'object' || deletes === null)
    throw invalid(where, `deletes is 'ignore', 'propagate' or { mark: field }, not ${shown(deletes)}`)
  const {
    mark,
    propagate,
    allowEmpty = false,
  } = deletes as { mark?: unknown; propagate?: unknown; allowEmpty?: boolean }
  checkOptionNames(`${where}: deletes`, deletes, ['mark', 'propagate', 'allowEmpty'])
  checkFlag(where, 'deletes.allowEmpty', allowEmpty)
  if (mark === undefined && propagate === true) return { removing: { kind: 'delete' }, allowEmpty }
  if (propagate !== undefined) throw invalid(where, 'deletes has either propagate: true or mark: field')
  checkText(where, 'deletes.mark', mark)
  return { removing: { kind: 'mark', field: mark as string }, allowEmpty }
}

/** @throws `OPTION_INVALID` */
export function checkDeletes(where: string, again: string, sink: Pick<Sink<never>, 'name' | 'keyed'>): void {
  if (again !== 'full')
    throw invalid(where, `deletes needs again: 'full': only a run that reads all records knows which ones are gone`)
  if (!('remover' in sink))
    throw invalid(
      where,
      `${sink.name} cannot delete or mark rows; deletes is for sinks of SQL tables. Leave it out, or write the whole output anew`,
    )
  if (sink.keyed !== true)
    throw invalid(where, `deletes needs a sink that writes by a key; give ${sink.name} onConflict: 'update', say`)
}

function invalid(where: string, what: string): DroverError {
  return new DroverError('OPTION_INVALID', `${where}: ${what}.`)
}
