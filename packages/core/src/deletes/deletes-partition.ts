import type { Partition } from '../contracts/position.js'

/** The last partition of a repeated full run: rows that its records did not give. No source's partition has this id. */
export const deletesPartition: Partition = { id: 'drover:deletes', bounds: null }

export function isDeletes({ id }: Pick<Partition, 'id'>): boolean {
  return id === deletesPartition.id
}
