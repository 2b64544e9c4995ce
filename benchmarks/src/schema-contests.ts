import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Contest } from './contest.js'
import { type Bench, schema } from './drover.js'
import type { PostgresBench } from './postgres-bench.js'

export const schemaNames = [
  'schema-500-sqlite',
  'schema-500-postgres',
  'schema-ensure-sqlite',
  'schema-ensure-postgres',
]

const run = promisify(execFile)

/** Revisions of the contests: as many as a long-lived project has, and as many as one has that is a year old. */
const [many, few] = [500, 30]

/** Revisions in SQLite and, where it could be started, PostgreSQL. */
export function schemaContests({ folder }: Bench, postgres: PostgresBench | undefined): Contest[] {
  const file = path.join(folder, 'schema.db')
  const emptyFile = async (): Promise<void> => {
    for (const end of ['', '-wal', '-shm', '-journal']) await rm(file + end, { force: true })
  }
  const contests = [
    applied('sqlite', file, emptyFile),
    // The first call has to find a database at head.
    ensured('sqlite', file, emptyFile, 20_000),
  ]
  if (postgres !== undefined) {
    const empty = (): Promise<void> => postgres.renew('schema', 'template0')
    const url = postgres.url('schema')
    contests.push(applied('postgres', url, empty), ensured('postgres', url, empty, 10_000))
  }
  return contests
}

function applied(store: string, location: string, reset: () => Promise<void>): Contest {
  const options = { location, count: many }
  return {
    name: `schema-500-${store}`,
    title: `${many} revisions that create a table each → ${store}`,
    contenders: [
      schema("knex's migrator, which makes them one transaction", 'knex', options),
      schema('umzug, with a table of names', 'umzug', options),
      schema('createMigrator', 'drover', options, {
        goal: 1,
        goals: [{ against: 'umzug, with a table of names', atMost: 1 }],
      }),
    ],
    reset,
  }
}

function ensured(store: string, location: string, empty: () => Promise<void>, times: number): Contest {
  const options = { location, count: few, times }
  let isThere = false
  return {
    name: `schema-ensure-${store}`,
    title: `ensure() at head with ${few} revisions, ${times} times in ${store}`,
    contenders: [
      schema('a SELECT of the same rows, by the driver', 'select', options),
      schema('the same, by knex', 'knex-select', options),
      schema('ensure', 'ensure', options, { goal: 1.5 }),
    ],
    reset: async () => {
      if (isThere) return
      await empty()
      const [program, ...args] = schema('up', 'drover', options).command
      await run(program, args)
      isThere = true
    },
  }
}
