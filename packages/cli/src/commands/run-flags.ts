import { type Command, InvalidArgumentError, Option } from 'commander'
import type { DocumentFlags } from '../document/document-flags.js'
import type { Overrides } from '../make-pipeline.js'

/** What can be said on the command line of every run. */
export interface RunFlags extends DocumentFlags {
  readonly state?: string
  readonly envFile?: string
  readonly dryRun?: boolean
  readonly batchSize?: number
  readonly recordsPerSecond?: number
  readonly maxRejected?: number
  readonly stopAfter?: number
  readonly again?: 'nothing' | 'incremental' | 'full'
  readonly whenChanged?: 'refuse' | 'continue' | 'restart'
  readonly whenHeld?: 'fail' | 'wait'
  readonly json?: boolean
  readonly quiet?: boolean
  readonly verbose?: boolean
}

/** Adds them to a command. */
export function withRunFlags(command: Command): Command {
  return withStateFlag(command)
    .option('--batch-size <records>', 'records that become durable together', wholeNumber(1))
    .option('--records-per-second <number>', 'ceiling over all partitions', wholeNumber(0))
    .option('--max-rejected <records>', 'rejected records that the run bears', wholeNumber(0))
    .option('--stop-after <records>', 'stop once so many records were read; the next call goes on', wholeNumber(1))
    .addOption(
      new Option('--again <what>', 'what a completed run does when it is called again').choices([
        'nothing',
        'incremental',
        'full',
      ]),
    )
    .addOption(
      new Option('--when-changed <what>', 'what happens if another definition started the run').choices([
        'refuse',
        'continue',
        'restart',
      ]),
    )
    .addOption(
      new Option('--when-held <what>', 'what happens if another process works on it').choices(['fail', 'wait']),
    )
    .option('--json', 'events and the report as lines of JSON on stdout')
    .option('--quiet', 'no progress')
    .option('--verbose', 'what the run logs, and a line for each batch, on stderr')
}

/** Adds what says a migration of checkpoints without a file, or goes before what a file says of it. */
export function withDocumentFlags(command: Command): Command {
  return withSides(command.option('--config <file>', 'the file, as the argument names it'))
}

/** What is on both sides of a migration. */
export function withSides(command: Command): Command {
  return command
    .option('--source <type>', 'where checkpoints or messages are: postgresql, sqlite, redis, unified')
    .option('--source-config <json>', 'where exactly, as a JSON object: {"connection_string": …}')
    .option('--destination <type>', 'where they go: unified, json, parquet, postgresql, sqlite, redis')
    .option('--dest-config <json>', 'where exactly, as a JSON object: {"output_dir": …}')
}

/** Which state store to ask. */
export function withStateFlag(command: Command): Command {
  return command
    .option(
      '--state <store>',
      'keeps the run: a folder, sqlite:app.db, postgres://… or redis://… (default: as the file says, else the store of the sink)',
    )
    .option('--env-file <file>', 'variables, such as .env; those that are set already stay')
}

/** Options of a run with those of the command line before them; a deadline stays beside `--stop-after`. */
export function withOverrides<T extends Overrides>(options: T, flags: RunFlags): T {
  const given = overridesOf(flags)
  const stopAfter = given.stopAfter === undefined ? undefined : { ...options.stopAfter, ...given.stopAfter }
  return { ...options, ...given, ...(stopAfter === undefined ? {} : { stopAfter }) }
}

/** Those that are options of the run itself. */
export function overridesOf(flags: RunFlags): Overrides {
  const { batchSize, recordsPerSecond, maxRejected, stopAfter, again, whenChanged, whenHeld } = flags
  const given = { batchSize, recordsPerSecond, maxRejected, again, whenChanged, whenHeld }
  return {
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    ...(stopAfter === undefined ? {} : { stopAfter: { records: stopAfter } }),
  }
}

/** @throws `InvalidArgumentError` of commander */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value
    throw new InvalidArgumentError(`It is a whole number of at least ${least}.`)
  }
}
