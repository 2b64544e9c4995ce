import { DroverError } from '@drover/core'

/** The packages that layouts and exports lie upon. Each is loaded when a store of its type is opened. */
const packages = {
  postgres: ['@drover/adapter-postgres', () => import('@drover/adapter-postgres')],
  sqlite: ['@drover/adapter-sqlite', () => import('@drover/adapter-sqlite')],
  qdrant: ['@drover/adapter-qdrant', () => import('@drover/adapter-qdrant')],
  redis: ['@drover/adapter-redis', () => import('@drover/adapter-redis')],
  parquet: ['@drover/export-parquet', () => import('@drover/export-parquet')],
} as const

type Packages = typeof packages

/**
 * The package of a type of store.
 *
 * @throws `PACKAGE_MISSING`, also where it is the driver that the package needs
 */
export async function adapterOf<T extends keyof Packages>(type: T): Promise<Awaited<ReturnType<Packages[T][1]>>> {
  const [name, load] = packages[type]
  try {
    return (await load()) as Awaited<ReturnType<Packages[T][1]>>
  } catch (cause) {
    const said = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause)
    throw new DroverError(
      'PACKAGE_MISSING',
      `Checkpoints in ${type} need the package ${name}, which cannot be loaded (${said}): npm install ${name}, with the packages that it names as its peers.`,
      { cause },
    )
  }
}
