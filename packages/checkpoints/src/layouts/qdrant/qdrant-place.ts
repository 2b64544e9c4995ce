import type { QdrantLocation, QdrantSourceOptions } from '@drover/adapter-qdrant'
import { placeOfType } from '../../base/place-name.js'
import type { LayoutOptions } from '../layout.js'

/** Where a layout's collection is, as the adapter takes it. */
export function qdrantPlace(where: string, { place }: LayoutOptions): QdrantLocation & { readonly collection: string } {
  const { type: _, client, ...rest } = placeOfType(where, place, 'qdrant')
  return { ...rest, ...(client === undefined ? {} : { client: client as NonNullable<QdrantLocation['client']> }) }
}

/** Points that have these fields of the payload. */
export function having(...fields: readonly string[]): NonNullable<QdrantSourceOptions['filter']> {
  return { must_not: fields.map((key) => ({ is_empty: { key } })) }
}

/** Points that lack one of these fields. */
export function lacking(...fields: readonly string[]): NonNullable<QdrantSourceOptions['filter']> {
  return { should: fields.map((key) => ({ is_empty: { key } })) }
}
