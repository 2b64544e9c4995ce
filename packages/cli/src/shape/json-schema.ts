import { comparisons, conditionOperators, valueLists } from './filter-words.js'
import type { ChosenShape, ObjectShape, Shape, TextShape, VariantsShape } from './shape.js'

/** A JSON Schema of draft 7, which editors understand best. */
export type JsonSchema = { readonly [keyword: string]: unknown }

/** The JSON Schema of a whole file, which has one of these forms. */
export function schemaOf(
  shapes: readonly Shape[],
  about: { readonly title: string; readonly description: string },
): JsonSchema {
  const writer = new SchemaWriter()
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    ...about,
    anyOf: shapes.map((shape) => writer.part(shape)),
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
        return {
          ...usualOf(shape),
          type: 'string',
          ...(shape.mayBeEmpty === true ? {} : { minLength: 1 }),
          ...(shape.isInstant === true ? { pattern: instantOrVariable } : {}),
        }
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

  #object(shape: ObjectShape, by: Readonly<Record<string, string>> = {}): JsonSchema {
    const { fields, required, oneOf, chosen } = shape
    const named = Object.entries(fields).map(([name, field]) => [name, this.part(field)])
    const constants = Object.entries(by).map(([name, value]) => [name, { const: value }])
    const needs = [...Object.keys(by), ...required]
    return {
      type: 'object',
      properties: { ...Object.fromEntries(constants), ...Object.fromEntries(named) },
      additionalProperties: false,
      ...(needs.length > 0 ? { required: needs } : {}),
      ...(oneOf === undefined ? {} : { anyOf: oneOf.map((set) => ({ required: set })) }),
      ...(chosen === undefined ? {} : { allOf: Object.entries(chosen).flatMap((one) => this.#chosen(...one)) }),
    }
  }

  /** One condition for each value of the other field. */
  #chosen(field: string, { by, shapes }: ChosenShape): JsonSchema[] {
    return Object.entries(shapes).map(([value, shape]) => ({
      if: { type: 'object', properties: { [by]: { const: value } }, required: [by] },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: { properties: { [field]: this.part(shape) } },
    }))
  }

  #variants({ noun, types, module, by = 'type' }: VariantsShape): JsonSchema {
    const $ref = `#/definitions/${noun.replace(' ', '-')}`
    this.definitions[noun.replace(' ', '-')] ??= {
      oneOf: [...this.#forms(types, by, {}), ...(module === undefined ? [] : [this.part(module)])],
    }
    return { $ref }
  }

  #forms(types: VariantsShape['types'], by: string, before: Readonly<Record<string, string>>): JsonSchema[] {
    return Object.entries(types).flatMap(([type, shape]) => {
      const chosenBy = { ...before, [by]: type }
      if (shape.kind === 'variants') return this.#forms(shape.types, shape.by ?? 'type', chosenBy)
      return [{ ...(shape.about === undefined ? {} : { description: shape.about }), ...this.#object(shape, chosenBy) }]
    })
  }
}

/** What it looks like; whether there is such a day the checker says. */
const instantOrVariable = String.raw`\$\{|^([+-]\d{6}|\d{4})-\d\d-\d\d([Tt ]\d\d:\d\d.*)?$`

/** An editor offers what is listed, and takes all others. */
function usualOf({ usual }: TextShape): JsonSchema {
  return usual === undefined ? {} : { anyOf: [{ enum: usual }, {}] }
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
