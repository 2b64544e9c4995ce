/** What the vectors of one name are, in a collection. */
export interface VectorSpace {
  /** Empty for the vectors without a name. */
  readonly name: string
  readonly kind: 'dense' | 'multi' | 'sparse'
  /** Numbers of each vector; 0 for sparse ones. */
  readonly size: number
  /** `Cosine`, `Euclid`, `Dot`, `Manhattan`; empty for sparse ones. */
  readonly distance: string
  /** `float32`, `float16`, `uint8`, or one that is newer than this. */
  readonly datatype: string
}

interface DenseParams {
  readonly size: number
  readonly distance: string
  readonly datatype?: string | null
  readonly multivector_config?: object | null
}

export interface VectorParams {
  readonly vectors?: object | null
  readonly sparse_vectors?: object | null
}

/** The vectors of a collection by name, from its settings: those that it answers, or those that make one. */
export function spacesOf({ vectors, sparse_vectors }: VectorParams): ReadonlyMap<string, VectorSpace> {
  const spaces = new Map<string, VectorSpace>()
  const given = vectors ?? {}
  const isUnnamed = typeof (given as Partial<DenseParams>).size === 'number'
  const dense = isUnnamed ? [['', given] as const] : Object.entries(given)
  for (const [name, params] of dense) spaces.set(name, denseSpace(name, params as DenseParams))
  for (const name of Object.keys(sparse_vectors ?? {})) {
    spaces.set(name, { name, kind: 'sparse', size: 0, distance: '', datatype: 'float32' })
  }
  return spaces
}

/** As messages show it: `vector "title" (768, Cosine)`. */
export function shownSpace({ name, kind, size, distance, datatype }: VectorSpace): string {
  const what = name === '' ? 'the vector without a name' : `vector "${name}"`
  if (kind === 'sparse') return `${what} (sparse)`
  const traits = [size, distance, ...(kind === 'multi' ? ['several per point'] : [])]
  return `${what} (${[...traits, ...(datatype === 'float32' ? [] : [datatype])].join(', ')})`
}

export function shownSpaces(spaces: Iterable<VectorSpace>): string {
  return Array.from(spaces, shownSpace).join(', ') || 'no vectors'
}

function denseSpace(name: string, { size, distance, datatype, multivector_config }: DenseParams): VectorSpace {
  const isMulti = multivector_config !== undefined && multivector_config !== null
  return { name, kind: isMulti ? 'multi' : 'dense', size, distance, datatype: datatype ?? 'float32' }
}
