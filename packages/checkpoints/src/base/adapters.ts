import { DroverError } from '@drover/core'

/** The adapters that layouts lie upon. Each is a package of its own, which is loaded when a store of its type is opened. */
const packages = {
  postgres: () => import('@drover/adapter-postgres'),
  sqlite: () => import('@drover/adapter-sqlite'),
  qdrant: () => import('@drover/adapter-qdrant'),
  redis: () => import('@drover/adapter-redis'),
} as const

type Packages = typeof packages

/**
 * The adapter of a type of store.
 *
 * @throws `PACKAGE_MISSING`
 */
export async function adapterOf<T extends keyof Packages>(type: T): Promise<Awaited<ReturnType<Packages[T]>>> {
  try {
    return (await packages[type]()) as Awaited<ReturnType<Packages[T]>>
  } catch (cause) {
    throw new DroverError(
      'PACKAGE_MISSING',
      `Checkpoints in ${type} need the package @drover/adapter-${type}: npm install @drover/adapter-${type}.`,
      { cause },
    )
  }
}
