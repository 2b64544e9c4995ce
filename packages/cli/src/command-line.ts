import { redactSecrets } from '@drover/core'
import { Command, CommanderError, Option } from 'commander'
import type { Acting } from './commands/acting.js'
import { type BackfillFlags, listBackfills, runBackfillModule } from './commands/backfill.js'
import { templateStores } from './commands/backfill-template.js'
import { type CheckFlags, check } from './commands/check.js'
import { type CreateFlags, createBackfill } from './commands/create-backfill.js'
import { type InitFlags, init } from './commands/init.js'
import type { Watching } from './commands/live.js'
import { type OperateFlags, type Request, requestOf, showStatus } from './commands/operate.js'
import { replayFile, runFile } from './commands/run.js'
import {
  type RunFlags,
  wholeNumber,
  withDocumentFlags,
  withRunFlags,
  withSides,
  withStateFlag,
} from './commands/run-flags.js'
import { type UndoFlags, undo } from './commands/undo.js'
import { type VerifyFlags, verifyFile } from './commands/verify.js'
import { type ExitCode, exitCodes, preparing, UsageError } from './exit-codes.js'
import { loadEnvFile } from './file/env-file.js'
import { addSchemaCommands } from './schema/schema-commands.js'
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
      const flags = given.at(-2) as { readonly json?: boolean; readonly envFile?: string }
      const args = given
        .slice(0, -2)
        .flat()
        .filter((arg): arg is string => typeof arg === 'string')
      voice = new Voice(surroundings, flags.json === true)
      const { envFile } = flags
      if (envFile !== undefined) await preparing(() => loadEnvFile(envFile, surroundings.env))
      code = await act({ voice, surroundings, again: `drover ${argv.map(quoted).join(' ')}` }, args, flags)
    }
  try {
    await program(acting, surroundings).parseAsync(argv, { from: 'user' })
    return code
  } catch (error) {
    // It has said so itself: help was asked for, or what is wrong with the command line.
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return exitCodes.done
      const message = redactSecrets(error.message.replace(/^error: /, ''))
      voice.tellJson({ event: 'failed', code: 'OPTION_INVALID', message, usage: true })
      return exitCodes.usage
    }
    voice.fail(error)
    return error instanceof UsageError ? exitCodes.usage : exitCodes.failed
  }
}

/** Every command there is, in the order of the help. */
export function commandNames(): string[] {
  const acting: Acting = () => async () => {}
  return program(acting, ownSurroundings()).commands.map((command) => command.name())
}

function program(acting: Acting, { stdout, stderr }: Surroundings): Command {
  const drover = new Command('drover')
    .description('Moves, reshapes and backfills data, and accounts for every record.')
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      // An argument that nobody knows is shown, and may hold a password.
      writeErr: (text) => stderr.write(redactSecrets(text)),
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

  withDocumentFlags(
    withRunFlags(drover.command('run').description('run the pipeline of a YAML file, or go on where it stands')),
  )
    .argument('[file]', 'the YAML file; without it the flags say what is to run')
    .option('--dry-run', 'look, and write nothing: total, sample, connectivity, time and issues')
    .action(acting((watching, [file], flags) => runFile(file, flags as RunFlags, watching)))

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

  withDocumentFlags(
    withStateFlag(drover.command('check').description('say what a run would do; nothing is written anywhere')),
  )
    .argument('[file]', "a pipeline's YAML file, or a backfill's module")
    .option('--sample <records>', 'records that are shown with what becomes of them', wholeNumber(1))
    .option('--offline', 'look at the file alone')
    .option('--json', 'a line of JSON')
    .action(acting((watching, [file], flags) => check(file, flags as CheckFlags, watching)))

  const aboutRun = "the pipeline's file, the backfill's module, or the name of the run"
  withDocumentFlags(
    withStateFlag(drover.command('status').description('say how far runs have come, in whatever process they are')),
  )
    .argument('[run]', `${aboutRun}; without it all that the state store keeps`)
    .option('--json', 'a line of JSON for each run')
    .action(acting((watching, [run], flags) => showStatus(run, flags as OperateFlags, watching)))
  for (const [request, about] of requests) {
    const command = withDocumentFlags(withStateFlag(drover.command(request).description(about)))
      .argument('[run]', aboutRun)
      .option('--json', 'a line of JSON')
    if (request === 'pause' || request === 'stop') command.option('--reason <text>', 'why, for those who look at it')
    if (request === 'update') {
      command
        .option('--batch-size <records>', 'records that become durable together', wholeNumber(1))
        .option('--records-per-second <number>', 'ceiling over all partitions; 0 lifts it', wholeNumber(0))
        .option('--concurrency <partitions>', 'partitions worked on side by side', wholeNumber(1))
    }
    command.action(acting((watching, [run], flags) => requestOf(request, run, flags as OperateFlags, watching)))
  }

  withDocumentFlags(
    withStateFlag(drover.command('verify').description('compare what a pipeline gives with what its sink holds')),
  )
    .argument('[file]', 'the YAML file')
    .option('--key <fields...>', 'what identifies a row on both sides')
    .option('--json', 'a line of JSON')
    .action(acting((watching, [file], flags) => verifyFile(file, flags as VerifyFlags, watching)))

  withDocumentFlags(
    withRunFlags(
      drover.command('replay').description('send the records that a pipeline has rejected through it once more'),
    ),
  )
    .argument('[file]', 'the YAML file')
    .action(acting((watching, [file], flags) => replayFile(file, flags as RunFlags, watching)))

  withRunFlags(drover.command('undo').description('put back what a run with undo: true has changed'))
    .argument('<run>', "the pipeline's file; or the name of a run, with --state for the database it has written to")
    .option('--run <id>', 'another run than the newest one')
    .action(acting((watching, [run = ''], flags) => undo(run, flags as UndoFlags, watching)))

  withSides(drover.command('init').description('ask what goes where, and write the YAML file of a migration'))
    .option('-o, --output <file>', 'the file that is written', 'migration.yaml')
    .option('--json', 'a line of JSON')
    .action(acting((watching, _, flags) => init(flags as InitFlags, watching)))

  addSchemaCommands(drover, acting)

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

const requests: readonly (readonly [Request, string])[] = [
  ['pause', 'let a run end its batch and wait'],
  ['resume', 'let a paused run go on'],
  ['stop', 'let a run end its batch and stop; the command that started it goes on from there'],
  ['update', 'change the settings of a run while it works'],
]

/** As a shell takes it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./#-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
