import { startPostgres } from '@drover-internal/postgres-server'
import { makeAgentTables } from './make-agent-tables.js'
import { type SampleOptions, sampleDatabase, sampleMessages } from './sample-database.js'

export interface ExampleOptions extends SampleOptions {
  /** Make the sample in PostgreSQL, on a server that is gone with the program. */
  readonly postgres?: boolean | undefined
}

/** What an example works on. */
export interface ExampleDatabase extends AsyncDisposable {
  /** The path of a SQLite database, or the URL of one in PostgreSQL. */
  readonly database: string
  /** It was made now. */
  readonly isSample: boolean
  /** For the person at the terminal. */
  readonly description: string
}

/** The database that is named, else that of `DATABASE_URL`, else a sample. */
export async function exampleDatabase({ postgres = false, ...options }: ExampleOptions): Promise<ExampleDatabase> {
  const kept = { [Symbol.asyncDispose]: async () => {} }
  if (options.database !== undefined) {
    return { database: options.database, isSample: false, description: withoutPassword(options.database), ...kept }
  }
  const url = process.env.DATABASE_URL
  if (url) return { database: url, isSample: false, description: `DATABASE_URL, ${withoutPassword(url)}`, ...kept }
  if (postgres) return await postgresSample(options.messages)
  const database = await sampleDatabase(options)
  return { database, isSample: true, description: database, ...kept }
}

async function postgresSample(messages = sampleMessages): Promise<ExampleDatabase> {
  const server = await startPostgres()
  try {
    await makeAgentTables({ url: server.url, messages })
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
  return {
    database: server.url,
    isSample: true,
    description: `a sample in ${server.description}, gone with this program`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

function withoutPassword(database: string): string {
  return database.replace(/^(postgres[^/]*:\/\/[^/]*?)(:[^/]*)?@/, '$1@')
}
