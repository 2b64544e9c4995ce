import { type Command, Option } from 'commander'
import type { Acting } from '../commands/acting.js'
import { adopt, type MarkingFlags, repair, stamp } from './marking.js'
import { addKeeping, addMaking } from './more-commands.js'
import { down, type MovingFlags, up } from './moving.js'
import { type PreviewFlags, previewPending, previewRange } from './preview.js'
import { collected, type SchemaFlags, withRevisionFlags, withSchemaFlags } from './schema-flags.js'
import { current, events, heads, history, type StandingFlags } from './standing.js'

/** Adds `drover schema …`, in the order of its help. Words of Alembic are names of the same commands. */
export function addSchemaCommands(drover: Command, acting: Acting): void {
  const schema = drover.command('schema').description('bring databases from one version of their schema to another')
  addStanding(schema, acting)
  addMoving(schema, acting)
  addMarking(schema, acting)
  addMaking(schema, acting)
  addKeeping(schema, acting)
}

function addStanding(schema: Command, acting: Acting): void {
  withSchemaFlags(schema.command('current').description('say which revision the database is at'))
    .option('--check-heads', 'exit code 1 if something is pending or interrupted')
    .action(acting((watching, _, flags) => current(flags as StandingFlags, watching)))
  withSchemaFlags(schema.command('history').description('list the revisions, the newest first, pending ones marked'))
    .option('-v, --verbose', 'who applied them, when, in what time, and what was noted')
    .action(acting((watching, _, flags) => history(flags as StandingFlags, watching)))
  withRevisionFlags(schema.command('heads').description('list the revisions that no other depends on')).action(
    acting((watching, _, flags) => heads(flags as SchemaFlags, watching)),
  )
  withSchemaFlags(schema.command('events').description('list what was ever done, and by whom')).action(
    acting((watching, _, flags) => events(flags as SchemaFlags, watching)),
  )
}

const target = 'a revision, its beginning, head, heads, base, +n, -n'

function addMoving(schema: Command, acting: Acting): void {
  withMovingFlags(withSchemaFlags(schema.command('up').alias('upgrade').description('apply what is missing')))
    .argument('[target]', `${target}; with --sql also a range a:b (default: head)`)
    .option('--allow <rule>', 'bear what this rule refuses; it is recorded. May be given several times', collected)
    .option('--verify', 'verify behind the last revision: integrity, and the baseline if there is one')
    .action(acting((watching, [to], flags) => up(to, flags as MovingFlags, watching)))
  withMovingFlags(
    withSchemaFlags(schema.command('down').alias('downgrade').description('take back what is above a revision')),
  )
    .argument('<target>', `${target}; with --sql also a range a:b`)
    .option('--accept-loss', 'bear that what is listed as lost is lost')
    .action(acting((watching, [to = ''], flags) => down(to, flags as MovingFlags, watching)))
  withPreviewFlags(
    withSchemaFlags(schema.command('preview').description('write revisions as a SQL script; no database is asked')),
  )
    .argument('[range]', 'a:b, or the revision to go to (default: base:heads)')
    .option('--down', 'the way back')
    .option('--pending', 'from where the database is, which is asked for that')
    .action(
      acting((watching, [range], given) => {
        const flags = given as PreviewFlags & { readonly pending?: boolean }
        return flags.pending === true ? previewPending(flags, watching) : previewRange(range, flags, watching)
      }),
    )
}

function withMovingFlags(command: Command): Command {
  return withPreviewFlags(command)
    .option('--plan', 'say what would be done, what is unsafe and what is lost, and do nothing')
    .option('--sql', 'write the script instead, without a database')
    .option('--backup [folder]', 'back up first')
    .option('-v, --verbose', 'the statements of the plan, too')
}

function withPreviewFlags(command: Command): Command {
  return command
    .addOption(new Option('--dialect <database>', 'what SQL it is (default: as the URL says)').choices(dialects))
    .option('-o, --output <file>', 'where the script goes, instead of stdout')
}

const dialects = ['postgres', 'sqlite']

function addMarking(schema: Command, acting: Acting): void {
  withSchemaFlags(schema.command('stamp').description('say that the database is at a revision; nothing is run'))
    .argument('<target>', target)
    .option('--baseline', 'note them as a baseline: the schema that was there before')
    .action(acting((watching, [to = ''], flags) => stamp(to, flags as MarkingFlags, watching)))
  withSchemaFlags(schema.command('adopt').description("take over another tool's journal, which stays as it is"))
    .addOption(new Option('--from <tool>', 'whose').choices(['knex', 'alembic']).makeOptionMandatory())
    .option(
      '--map <pair>',
      'which of theirs is which of ours: theirs=ours, several times (default: equal names)',
      collected,
    )
    .option('--table <name>', 'their table (default: knex_migrations, alembic_version)')
    .action(acting((watching, _, flags) => adopt(flags as MarkingFlags, watching)))
  withSchemaFlags(schema.command('repair').description('say what has become of an interrupted or edited revision'))
    .argument('<revision>', 'which')
    .argument('[found]', 'applied, reverted, retry or accept-edit; without it, what is known of it')
    .action(acting((watching, [id = '', found], flags) => repair(id, found, flags as SchemaFlags, watching)))
}
