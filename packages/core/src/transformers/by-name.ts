import { DroverError } from '../errors/drover-error.js'
import { suggestNames } from '../errors/nearest.js'
import { addMetadata } from './add-metadata.js'
import { defaults } from './defaults.js'
import { mask } from './mask.js'
import { normalizeTimestamps } from './normalize-timestamps.js'
import { omit, pick } from './pick.js'
import { rename } from './rename.js'
import { setField } from './set-field.js'

/** The transformers that come with core, by the name that a configuration gives them. */
export const builtInTransformers = {
  addMetadata,
  defaults,
  mask,
  normalizeTimestamps,
  omit,
  pick,
  rename,
  setField,
} as const

export type BuiltInTransformerName = keyof typeof builtInTransformers

/**
 * The factory of a built-in transformer.
 *
 * @throws `NAME_UNKNOWN` with the nearest names and the list.
 */
export function transformerByName<N extends BuiltInTransformerName>(name: N): (typeof builtInTransformers)[N]
export function transformerByName(name: string): (typeof builtInTransformers)[BuiltInTransformerName]
export function transformerByName(name: string): unknown {
  if (Object.hasOwn(builtInTransformers, name)) return builtInTransformers[name as BuiltInTransformerName]
  const known = suggestNames(name, Object.keys(builtInTransformers))
  throw new DroverError('NAME_UNKNOWN', `There is no transformer "${name}"${known}`)
}
