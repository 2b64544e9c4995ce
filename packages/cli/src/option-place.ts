import { DroverError } from '@drover/core'
import type { PipelineFile } from './pipeline-file.js'

/** Which of its options a factory speaks of, as it begins: `where: option …`, or `option: member …`; else its type. */
export function spokenOf(options: Readonly<Record<string, unknown>>, error: unknown): readonly string[] {
  const [, first = '', second = ''] = /^(\w+): (\w+)/.exec(DroverError.from(error, '').message) ?? []
  const value = Object.hasOwn(options, first) ? options[first] : undefined
  if (typeof value === 'object' && value !== null) return Object.hasOwn(value, second) ? [first, second] : [first]
  return Object.hasOwn(options, second) ? [second] : ['type']
}

/** What is found to be wrong with an option once the store is looked at: with its place in the file, if source or sink speak of one of their own. */
export function optionRefused(file: PipelineFile, error: unknown): unknown {
  if (!DroverError.isInstance(error, 'OPTION_INVALID')) return error
  const side = /^\w+Sink:/.test(error.message) ? 'sink' : 'source'
  const [option = 'type', ...within] = spokenOf(file.parts[side] ?? {}, error)
  if (option !== 'type') return file.error([side, option, ...within], error)
  return new DroverError(error.code, file.hide(error.message), { cause: error })
}
