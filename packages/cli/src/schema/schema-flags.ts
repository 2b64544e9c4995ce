import type { Command } from 'commander'

/** What every command of `drover schema` can be told. */
export interface SchemaFlags {
  readonly url?: string
  readonly migrations?: string
  readonly tablePrefix?: string
  readonly config?: string
  readonly envFile?: string
  readonly json?: boolean
  readonly quiet?: boolean
}

/** Adds what says where revisions and database are. */
export function withSchemaFlags(command: Command): Command {
  return withRevisionFlags(command)
    .option(
      '--url <url>',
      'the database: postgres://…, or the path of a SQLite file (default: DATABASE_URL, then the configuration)',
    )
    .option('--table-prefix <text>', "what the names of the journal's tables begin with (default: drover_)")
}

/** Adds what says where revisions are, for commands that need no database. */
export function withRevisionFlags(command: Command): Command {
  return command
    .option('--migrations <folder>', 'the folder of the revisions (default: ./migrations)')
    .option('-c, --config <file>', 'a YAML file with a part "schema" (default: drover.yaml, if it is there)')
    .option('--env-file <file>', 'variables, such as .env; those that are set already stay')
    .option('--json', 'lines of JSON on stdout')
    .option('--quiet', 'only results and errors')
}

/** Of an option that may be given several times. */
export function collected(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}
