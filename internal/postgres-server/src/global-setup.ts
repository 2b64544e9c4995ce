import type { TestProject } from 'vitest/node'
import { MissingPostgres, startPostgres } from './postgres-server.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** Null where there is no server: the tests that need one are skipped. */
    postgres: string | null
  }
}

interface Shared {
  users: number
  readonly service: Promise<Service>
}

interface Service extends AsyncDisposable {
  readonly url: string | null
}

// Every project of a run loads this file by itself, and all of them want the same server.
const shared = Symbol.for('drover.postgres-server')
const run = globalThis as { [shared]?: Shared | undefined }

/** For `globalSetup` of a vitest project: `DATABASE_URL` if it is set, else a server of the run's own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  run[shared] ??= { users: 0, service: findService() }
  const mine = run[shared]
  mine.users++
  const service = await mine.service
  project.provide('postgres', service.url)
  return async () => {
    if (--mine.users > 0) return
    run[shared] = undefined
    await service[Symbol.asyncDispose]()
  }
}

async function findService(): Promise<Service> {
  const given = process.env.DATABASE_URL
  if (given) {
    console.log('PostgreSQL for tests: the one of DATABASE_URL')
    return { url: given, [Symbol.asyncDispose]: async () => {} }
  }
  try {
    const server = await startPostgres({ inMemory: true, quickLogins: true })
    console.log(`PostgreSQL for tests: ${server.description}`)
    return server
  } catch (error) {
    if (!(error instanceof MissingPostgres) || process.env.CI) throw error
    console.warn(`\n${'!'.repeat(100)}\nTests of PostgreSQL are SKIPPED. ${error.message}\n${'!'.repeat(100)}\n`)
    return { url: null, [Symbol.asyncDispose]: async () => {} }
  }
}
