/** The store that a layout lies in, as the adapter of its type takes it. */
export type StorePlace =
  | { readonly type: 'postgres'; readonly connection: string | object }
  | { readonly type: 'sqlite'; readonly filename: string }
  | { readonly type: 'redis'; readonly connection: string | object }
  | {
      readonly type: 'qdrant'
      readonly url?: string
      readonly apiKey?: string
      readonly client?: object
      readonly collection: string
    }
