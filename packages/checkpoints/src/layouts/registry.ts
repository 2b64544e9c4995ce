import { DroverError, suggestNames } from '@drover/core'
import { langchainLayouts } from './langchain/langchain-layouts.js'
import type { Layout, LayoutName } from './layout.js'
import { qdrantLayouts } from './qdrant/qdrant-layouts.js'
import { redisLayouts } from './redis/redis-layouts.js'
import { sqlLayouts } from './sql/sql-layouts.js'

/** Every layout that can be read, in the order in which they are looked for. */
export const layouts: readonly Layout[] = [...sqlLayouts, ...langchainLayouts, ...redisLayouts, ...qdrantLayouts]

/**
 * The layout of that name.
 *
 * @throws `OPTION_INVALID`
 */
export function layoutByName(where: string, name: LayoutName): Layout {
  const found = layouts.find((layout) => layout.name === name)
  if (found !== undefined) return found
  const known = layouts.map((layout) => layout.name)
  throw new DroverError(
    'OPTION_INVALID',
    `${where}: there is no layout "${String(name)}"${suggestNames(String(name), known)}`,
  )
}
