import { comparisons, conditionOperators, valueLists } from './filter-words.js'
import type { ObjectShape, Shape, VariantsShape } from './shape.js'

/** A JSON Schema of draft 7, which editors understand best. */
export type JsonSchema = { readonly [keyword: string]: unknown }

/** The JSON Schema of a whole file. */
export function schemaOf(shape: Shape, about: { readonly title: string; readonly description: string }): JsonSchema {
  const writer = new SchemaWriter()
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    ...about,
    ...writer.part(shape),
    definitions: { ...writer.definitions, filter: filterSchema, condition: conditionSchema, value: valueSchema },
  }
}

class SchemaWriter {
  /** What there are several types of, by their noun: they are large, and asked for in several places. */
  readonly definitions: Record<string, JsonSchema> = {}

  part(shape: Shape): JsonSchema {
    const schema = this.#bare(shape)
    if (shape.about === undefined) return schema
    // Beside a reference everything else is ignored.
    return { description: shape.about, ...('$ref' in schema ? { allOf: [schema] } : schema) }
  }

  #bare(shape: Shape): JsonSchema {
    switch (shape.kind) {
      case 'text':
        if (shape.choices !== undefined) return { enum: shape.choices }
        return { type: 'string', ...(shape.mayBeEmpty === true ? {} : { minLength: 1 }) }
      case 'number':
        return { type: shape.isWhole ? 'integer' : 'number', minimum: shape.least }
      case 'flag':
        return { type: 'boolean' }
      case 'list':
        return { type: 'array', items: this.part(shape.of), ...(shape.least > 0 ? { minItems: shape.least } : {}) }
      case 'map':
        return { type: 'object', additionalProperties: this.part(shape.of), minProperties: 1 }
      case 'object':
        return this.#object(shape)
      case 'variants':
        return this.#variants(shape)
      case 'either':
        return { anyOf: shape.of.map((one) => this.part(one)) }
      case 'filter':
        return { $ref: '#/definitions/filter' }
      case 'anything':
        return {}
    }
  }

  #object({ fields, required, oneOf }: ObjectShape, type?: string): JsonSchema {
    const named = Object.entries(fields).map(([name, field]) => [name, this.part(field)])
    const needs = [...(type === undefined ? [] : ['type']), ...required]
    return {
      type: 'object',
      properties: { ...(type === undefined ? {} : { type: { const: type } }), ...Object.fromEntries(named) },
      additionalProperties: false,
      ...(needs.length > 0 ? { required: needs } : {}),
      ...(oneOf === undefined ? {} : { anyOf: oneOf.map((set) => ({ required: set })) }),
    }
  }

  #variants({ noun, types, module }: VariantsShape): JsonSchema {
    const $ref = `#/definitions/${noun.replace(' ', '-')}`
    this.definitions[noun.replace(' ', '-')] ??= {
      oneOf: [
        ...Object.entries(types).map(([type, shape]) => ({
          ...(shape.about === undefined ? {} : { description: shape.about }),
          ...this.#object(shape, type),
        })),
        ...(module === undefined ? [] : [this.part(module)]),
      ],
    }
    return { $ref }
  }
}

const value = { $ref: '#/definitions/value' }
const valueSchema = { type: ['string', 'number', 'boolean'] }

const conditionSchema = {
  type: 'object',
  properties: Object.fromEntries(conditionOperators.map((name) => [name, operandSchema(name)])),
  additionalProperties: false,
  minProperties: 1,
}

function operandSchema(name: (typeof conditionOperators)[number]): JsonSchema {
  if (comparisons.includes(name)) return value
  if (valueLists.includes(name)) return { type: 'array', items: value }
  return { type: name === 'isNull' ? 'boolean' : 'string' }
}

const filters = { type: 'array', items: { $ref: '#/definitions/filter' } }

const filterSchema = {
  description: 'Which records to take: conditions by field, or `and`, `or`, `not`.',
  type: 'object',
  properties: { and: filters, or: filters, not: { $ref: '#/definitions/filter' } },
  additionalProperties: { $ref: '#/definitions/condition' },
  if: { anyOf: ['and', 'or', 'not'].map((name) => ({ required: [name] })) },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: { maxProperties: 1 },
}
