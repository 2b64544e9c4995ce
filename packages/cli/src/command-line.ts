import { Command, CommanderError, Option } from 'commander'
import { type BackfillFlags, listBackfills, runBackfillModule } from './commands/backfill.js'
import { templateStores } from './commands/backfill-template.js'
import { type CreateFlags, createBackfill } from './commands/create-backfill.js'
import type { Watching } from './commands/live.js'
import { runFile } from './commands/run.js'
import { type RunFlags, withRunFlags } from './commands/run-flags.js'
import { type ExitCode, exitCodes, UsageError } from './exit-codes.js'
import { ownSurroundings, type Surroundings } from './terminal/surroundings.js'
import { Voice } from './terminal/voice.js'
import { version } from './version.js'

/**
 * Runs the command line, as `drover` does, and gives the exit code.
 *
 * @param argv What stands behind `drover`.
 */
export async function runCommandLine(
  argv: readonly string[],
  surroundings: Surroundings = ownSurroundings(),
): Promise<ExitCode> {
  let voice = new Voice(surroundings, argv.includes('--json'))
  let code: ExitCode = exitCodes.done
  /** An action that is told how to speak. */
  const acting =
    (act: (watching: Watching, args: readonly string[], flags: object) => Promise<ExitCode>) =>
    async (...given: unknown[]): Promise<void> => {
      // commander gives the arguments, the options, and the command.
      const flags = given.at(-2) as { readonly json?: boolean }
      const args = given.slice(0, -2).filter((arg): arg is string => typeof arg === 'string')
      voice = new Voice(surroundings, flags.json === true)
      code = await act({ voice, surroundings, again: `drover ${argv.map(quoted).join(' ')}` }, args, flags)
    }
  try {
    await program(acting, surroundings).parseAsync(argv, { from: 'user' })
    return code
  } catch (error) {
    // It has said so itself: help was asked for, or what is wrong with the command line.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
    voice.fail(error)
    return error instanceof UsageError ? exitCodes.usage : exitCodes.failed
  }
}

type Acting = (
  act: (watching: Watching, args: readonly string[], flags: object) => Promise<ExitCode>,
) => (...given: unknown[]) => Promise<void>

function program(acting: Acting, { stdout, stderr }: Surroundings): Command {
  const drover = new Command('drover')
    .description('Moves, reshapes and backfills data, and accounts for every record.')
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      getOutHelpWidth: () => stdout.columns ?? 80,
      getErrHelpWidth: () => stderr.columns ?? 80,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 failed, 2 the command line or a file is not right, 3 done but records were
rejected, 130 interrupted: the same command goes on.`,
    )

  withRunFlags(drover.command('run').description('run the pipeline of a YAML file, or go on where it stands'))
    .argument('<file>', 'the YAML file')
    .action(acting((watching, [file = ''], flags) => runFile(file, flags as RunFlags, watching)))

  withRunFlags(drover.command('backfill').description('run a backfill, or list those there are'))
    .argument('[module]', 'its module, or its name: ./backfill_message_tokens.ts or message_tokens')
    .option('-f, --file <yaml>', 'a YAML file that lists backfills')
    .option('--list', 'list the backfills of that file, else those here and in the folder backfills')
    .action(
      acting((watching, [module], given) => {
        const flags = given as BackfillFlags
        return module === undefined || flags.list === true
          ? listBackfills(flags, watching)
          : runBackfillModule(module, flags, watching)
      }),
    )

  drover
    .command('create')
    .description('write the beginning of something')
    .command('backfill')
    .description('write backfill_<feature>.ts')
    .argument('<feature>', 'what it fills, such as message_tokens')
    .option('-d, --directory <folder>', 'where to', '.')
    .addOption(new Option('--store <store>', 'which database it is for').choices(templateStores).default('sqlite'))
    .action(acting(({ voice }, [feature = ''], flags) => createBackfill(feature, flags as CreateFlags, voice)))

  return drover
}

/** As a shell takes it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./#-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
