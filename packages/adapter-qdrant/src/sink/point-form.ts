import { DroverError, type JsonValues, type LogicalType, type RecordSchema, suggestNames } from '@drover/core'
import type { AnyOptions } from './sink-options.js'
import { shownSpaces, type VectorSpace } from './vector-space.js'

/** Which field a vector comes from. */
export interface VectorField {
  readonly space: VectorSpace
  readonly field: string
}

/** How records become points of a collection, once both are known. */
export interface PointForm {
  /** They are points, as `qdrantSource` gives them. */
  readonly isPoint: boolean
  /** Empty where a function, or the point itself, says. */
  readonly vectorFields: readonly VectorField[]
  /** The vector that is embedded; null without `embed`. */
  readonly embedded: VectorSpace | null
  /** Fields of the payload in which each value brings its own type, says the store: the integer 1 is not the real number 1.0 there. */
  readonly anyFields: ReadonlySet<string>
}

/** Whether records are points: fields of their own would be a strange coincidence. */
export function arePoints({ fields }: RecordSchema): boolean {
  const names = new Set(fields.map(({ name }) => name))
  return names.has('id') && names.has('payload') && (names.has('vector') || names.has('vectors'))
}

/** Which field each vector comes from, by the options, else by the only field that is a vector. @throws `SINK_NOT_READY` */
export function namedFields(
  where: string,
  { vector }: AnyOptions,
  schema: RecordSchema,
): readonly (readonly [name: string, field: string])[] {
  if (typeof vector === 'function') return []
  if (typeof vector === 'string') return [['', vector]]
  if (vector !== undefined) return Object.entries(vector)
  const found = schema.fields.filter(({ type }) => type.kind === 'vector').map(({ name }) => name)
  if (found.length > 1) {
    throw new DroverError(
      'SINK_NOT_READY',
      `${where}: the records have several fields that are vectors (${found.join(', ')}): vector says which one it is, or gives each its name: { title: '${found[0]}' }.`,
    )
  }
  return found.map((field) => ['', field] as const)
}

/**
 * What is known before the first record: names, sizes, and whether there are vectors at all.
 *
 * @throws `SINK_NOT_READY`
 */
export function pointForm(
  where: string,
  options: AnyOptions,
  schema: RecordSchema,
  spaces: ReadonlyMap<string, VectorSpace>,
): PointForm {
  const isPoint = options.vector === undefined && arePoints(schema)
  const types = new Map(schema.fields.map(({ name, type }) => [name, type]))
  if (isPoint) checkPoints(where, types, spaces)
  const vectorFields = (isPoint ? [] : namedFields(where, options, schema)).map(([name, field]) => {
    const space = spaceOf(where, name, spaces)
    const type = types.get(field)
    if (type === undefined && schema.isInferred !== true && types.size > 0) {
      throw new DroverError(
        'SINK_NOT_READY',
        `${where}: the records have no field "${field}", which vector names${suggestNames(field, types.keys())}`,
      )
    }
    if (type !== undefined) checkSize(where, `the field "${field}"`, type, space)
    return { space, field }
  })
  const embedded = options.embed === undefined ? null : embeddedSpace(where, options, vectorFields, spaces)
  const hasVectors = isPoint || vectorFields.length > 0 || embedded !== null || options.vector !== undefined
  if (!hasVectors && spaces.size > 0) {
    throw new DroverError(
      'SINK_NOT_READY',
      `${where} has ${shownSpaces(spaces.values())}, and the records no field that is a vector: name it with vector, make it with embed, or write points without any: vector: {}.`,
    )
  }
  const anyFields = schema.fields.filter(({ type, native }) => type.kind === 'any' && native !== undefined)
  return { isPoint, vectorFields, embedded, anyFields: new Set(anyFields.map(({ name }) => name)) }
}

/** @throws `SINK_NOT_READY` */
export function spaceOf(where: string, name: string, spaces: ReadonlyMap<string, VectorSpace>): VectorSpace {
  const space = spaces.get(name)
  if (space !== undefined) return space
  const wanted = name === '' ? 'no vector without a name' : `no vector "${name}"`
  const instead =
    name === '' ? "vector: { name: 'field' } says which one a field becomes" : 'vector names those that it has'
  throw new DroverError('SINK_NOT_READY', `${where} has ${wanted}, but ${shownSpaces(spaces.values())}; ${instead}.`)
}

/** @throws `SINK_NOT_READY` */
export function checkDimensions(where: string, what: string, dimensions: number, { size }: VectorSpace): void {
  if (dimensions === size) return
  throw new DroverError(
    'SINK_NOT_READY',
    `${where} takes vectors of ${size} numbers, and ${what} has ${dimensions}: they are of another model. Nothing of them was written.`,
  )
}

function checkSize(where: string, what: string, type: LogicalType, space: VectorSpace): void {
  if (type.kind === 'vector' && space.kind === 'dense') checkDimensions(where, what, type.dimensions, space)
  if (type.kind === 'list' && type.of.kind === 'vector' && space.kind === 'multi')
    checkDimensions(where, what, type.of.dimensions, space)
}

/** What the source says of its points' vectors. */
function checkPoints(
  where: string,
  types: ReadonlyMap<string, LogicalType>,
  spaces: ReadonlyMap<string, VectorSpace>,
): void {
  const unnamed = types.get('vector')
  if (unnamed?.kind === 'vector' || unnamed?.kind === 'list')
    checkSize(where, 'the vector of the points', unnamed, spaceOf(where, '', spaces))
  const named = types.get('vectors')
  if (named?.kind !== 'struct') return
  for (const { name, type } of named.fields)
    checkSize(where, `the vector "${name}" of the points`, type, spaceOf(where, name, spaces))
}

function embeddedSpace(
  where: string,
  { embed, embedVector }: AnyOptions,
  fields: readonly VectorField[],
  spaces: ReadonlyMap<string, VectorSpace>,
): VectorSpace {
  const dense = [...spaces.values()].filter(({ kind }) => kind === 'dense')
  const candidates = fields.length > 0 ? fields.map(({ space }) => space) : dense
  const only = candidates.length === 1 ? candidates[0] : undefined
  const space = embedVector === undefined ? only : spaceOf(where, embedVector, spaces)
  if (space === undefined || space.kind !== 'dense') {
    throw new DroverError(
      'SINK_NOT_READY',
      `${where} has ${shownSpaces(spaces.values())}: embedVector names the one that is embedded, which holds one vector per point.`,
    )
  }
  if (embed?.dimensions !== undefined) checkDimensions(where, 'what embed makes', embed.dimensions, space)
  return space
}

/** Points of another collection go as they stand, and come back so. */
export function valuesOf({ isPoint }: PointForm): JsonValues {
  return isPoint ? 'plain' : 'extended'
}
