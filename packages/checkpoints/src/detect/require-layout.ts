import { DroverError } from '@drover/core'
import type { LayoutFinding, LayoutName } from '../layouts/layout.js'

/**
 * Refuses to read a store as a layout that it is not, or that this version does not know.
 *
 * @throws `SOURCE_NOT_FOUND`, `SOURCE_INVALID`
 */
export function requireLayout(layout: LayoutName, findings: readonly LayoutFinding[], store: string): void {
  const found = findings.find((finding) => finding.layout === layout)
  if (found?.problem !== undefined) throw layoutProblem(found, store)
  if (found !== undefined) return
  const [other] = findings
  if (other === undefined)
    throw new DroverError('SOURCE_NOT_FOUND', `${store}: there is nothing of the layout "${layout}".`)
  throw new DroverError(
    'SOURCE_INVALID',
    `${store}: ${other.where} are of the layout "${other.layout}", and not of "${layout}". Leave out layout, and it is found out.`,
  )
}

/** What is there, and cannot be read as it is. */
export function layoutProblem({ layout, problem }: LayoutFinding, store: string): DroverError {
  return new DroverError('SOURCE_INVALID', `${store}: the store of the layout "${layout}" cannot be read. ${problem}`)
}
