import type { JsonValue } from '../contracts/values.js'
import { checkOptionNames, checkText, shown } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { encodeJson } from './json-values.js'

/** An object that holds the array: `{ "metadata": { … }, "checkpoints": [ … ] }`. */
export interface JsonEnvelope {
  /** The name that the array has in it. */
  readonly member: string
  /** What stands before the array, the same in every file. */
  readonly before?: Readonly<Record<string, JsonValue>>
}

/** @throws `OPTION_INVALID` */
export function checkEnvelope(where: string, envelope: JsonEnvelope | undefined): void {
  if (envelope === undefined) return
  checkOptionNames(`${where}: envelope`, envelope, ['member', 'before'])
  const { member, before } = envelope
  checkText(`${where}: envelope`, 'member', member)
  if (before === undefined) return
  if (typeof before !== 'object' || before === null || Array.isArray(before))
    throw new DroverError('OPTION_INVALID', `${where}: envelope: before is an object, not ${shown(before)}.`)
  if (Object.hasOwn(before, member))
    throw new DroverError('OPTION_INVALID', `${where}: envelope: before has "${member}", which names the array.`)
  encodeJson(before)
}
