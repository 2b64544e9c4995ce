import type { Given } from '../file/given.js'
import type { Shape } from './shape.js'

/** Kinds of YAML values, as messages call them. */
export type Kind = 'text' | 'number' | 'truth value' | 'list' | 'object' | 'nothing'

export function kindOf(given: Given): Kind {
  if (given.kind === 'list') return 'list'
  if (given.kind === 'map') return 'object'
  if (given.value === null) return 'nothing'
  if (typeof given.value === 'string') return 'text'
  return typeof given.value === 'boolean' ? 'truth value' : 'number'
}

/** Of which kinds a value of a shape may be. */
export function kindsOf(shape: Shape): readonly Kind[] {
  switch (shape.kind) {
    case 'text':
      return ['text']
    case 'number':
      return ['number']
    case 'flag':
      return ['truth value']
    case 'list':
      return ['list']
    case 'either':
      return shape.of.flatMap(kindsOf)
    case 'anything':
      return ['text', 'number', 'truth value', 'list', 'object', 'nothing']
    case 'map':
    case 'object':
    case 'variants':
    case 'filter':
      return ['object']
  }
}
