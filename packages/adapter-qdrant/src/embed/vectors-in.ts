import { DroverError, shown } from '@drover/core'

/**
 * What an embedder gave, as vectors.
 *
 * @throws `CONTRACT_BROKEN` if it is not one vector of finite numbers for each text
 */
export function vectorsIn(given: unknown, texts: number, where: string): readonly Float32Array[] {
  if (!Array.isArray(given)) throw broken(where, `embed returns a list of vectors, not ${shown(given)}`)
  if (given.length !== texts) {
    throw broken(
      where,
      `embed was given ${texts} texts and returned ${given.length} vectors; one each is needed, in their order`,
    )
  }
  return given.map((vector: unknown) => vectorIn(vector, where))
}

function vectorIn(given: unknown, where: string): Float32Array {
  if (!(given instanceof Float32Array) && !Array.isArray(given)) {
    throw broken(where, `a vector is a Float32Array or a list of numbers, not ${shown(given)}, which embed returned`)
  }
  if (given.length === 0) throw broken(where, 'embed returned a vector without numbers')
  for (const value of given as ArrayLike<unknown>[number][]) {
    if (typeof value !== 'number' || !Number.isFinite(Math.fround(value)))
      throw broken(where, `embed returned a vector with ${shown(value)} in it, which is no finite float32`)
  }
  return given instanceof Float32Array ? given : Float32Array.from(given as number[])
}

function broken(where: string, what: string): DroverError {
  return new DroverError('CONTRACT_BROKEN', `${where}: ${what}.`)
}
