import { type Command, Option } from 'commander'
import type { Acting } from '../commands/acting.js'
import { type BackupFlags, backup, backups, restore } from './backups.js'
import { type CheckFlags, check, type DumpFlags, dump, load } from './looking.js'
import { create, draft, type MakingFlags, merge } from './making.js'
import { collected, type SchemaFlags, withRevisionFlags, withSchemaFlags } from './schema-flags.js'
import { baseline, preflight, rehearse, type VerifyingFlags, verify } from './verifying.js'

/** Commands that write revisions, and those that compare schemas. */
export function addMaking(schema: Command, acting: Acting): void {
  withMessage(
    withSchemaFlags(
      schema.command('create').alias('revision').description('write an empty revision with its checklist'),
    ),
  )
    .option('--autogenerate', 'the same as draft')
    .option('--models <module>', 'with --autogenerate: ./models.ts#models')
    .action(acting((watching, _, flags) => create(flags as MakingFlags, watching)))
  withMessage(
    withSchemaFlags(schema.command('draft').description('compare the database with models, and write the revision')),
  )
    .option('--models <module>', 'the declared tables: ./models.ts#models (default: as the configuration says)')
    .option('--against <url>', 'another database that has the schema')
    .option('--ignore <table>', "a table that is nobody's business; may be given several times", collected)
    .option('--dry-run', 'print it, and write no file')
    .action(acting((watching, _, flags) => draft(flags as MakingFlags, watching)))
  withMessage(withRevisionFlags(schema.command('merge').description('write a revision that makes one head of several')))
    .argument('[heads...]', 'which of them, or "heads" (default: all)')
    .action(acting((watching, heads, flags) => merge(heads, flags as MakingFlags, watching)))
  withSchemaFlags(
    schema.command('check').description('compare the database with models or revisions; exit code 1 on drift'),
  )
    .option('--models <module>', 'the declared tables (default: as the configuration says, else the revisions)')
    .option('--ignore <table>', "a table that is nobody's business; may be given several times", collected)
    .option('--scratch <url>', 'PostgreSQL: an empty database to apply the revisions in')
    .action(acting((watching, _, flags) => check(flags as CheckFlags, watching)))
  withSchemaFlags(schema.command('dump').description('write the schema as SQL'))
    .option('-o, --output <file>', 'where to, instead of stdout')
    .option('--journal', 'with the journal, so that a database that is loaded from it knows where it is')
    .action(acting((watching, _, flags) => dump(flags as DumpFlags, watching)))
  withSchemaFlags(schema.command('load').description('make in an empty database what a dump says'))
    .argument('<file>', 'the dump')
    .action(acting((watching, [file = ''], flags) => load(file, flags as SchemaFlags, watching)))
}

function withMessage(command: Command): Command {
  return command
    .option('-m, --message <text>', 'what it does')
    .option('--rev-id <id>', 'its id (default: the next number and the message)')
    .option('--depends-on <revision>', 'instead of the head; may be given several times', collected)
}

/** Commands that keep data safe. */
export function addKeeping(schema: Command, acting: Acting): void {
  const folder = 'where backups are (default: as the configuration says, else ./backups)'
  withSchemaFlags(schema.command('backup').description('back the database up, and verify the backup'))
    .option('--folder <folder>', folder)
    .action(acting((watching, _, flags) => backup(flags as BackupFlags, watching)))
  withRevisionFlags(schema.command('backups').description('list the backups, the oldest first'))
    .option('--folder <folder>', folder)
    .option('--verify', 'read each of them back')
    .action(acting((watching, _, flags) => backups(flags as BackupFlags, watching)))
  withSchemaFlags(schema.command('restore').description('put a backup in the place of the database'))
    .argument('<which>', 'a timestamp, its beginning, latest, or the path of a backup')
    .option('--folder <folder>', folder)
    .option('--force', 'also one of another database')
    .option('--replace', 'PostgreSQL: also into a database that is not empty; all that is in it is dropped')
    .option('--terminate', "PostgreSQL: end everybody else's sessions first")
    .addOption(new Option('--owners <what>', 'PostgreSQL: owners and rights').choices(['keep', 'leave']))
    .option('--no-keep', 'keep nothing of what is replaced')
    .action(acting((watching, [which = ''], flags) => restore(which, flags as BackupFlags, watching)))
  withSchemaFlags(schema.command('baseline').description('note which indexes queries use, and how long they take'))
    .argument('<queries>', 'a file of SQL: each query below a line "-- name: recent_calls"')
    .option('-o, --output <file>', 'where to (default: baseline.json in the folder of backups)')
    .action(acting((watching, [queries = ''], flags) => baseline(queries, flags as VerifyingFlags, watching)))
  withSchemaFlags(schema.command('verify').description('say whether the database is where it should be, and whole'))
    .option('--at <revision>', 'where it should be (default: heads)')
    .option('--compare-baseline [file]', 'a lost index, or a query more than twice as slow, fails')
    .action(acting((watching, _, flags) => verify(flags as VerifyingFlags, watching)))
  withPlanned(withSchemaFlags(schema.command('rehearse').description('go up, down and up again on a copy')))
    .option('--from <backup>', 'a timestamp in the folder of backups, or a path')
    .option('--folder <folder>', folder)
    .action(acting((watching, _, flags) => rehearse(flags as VerifyingFlags, watching)))
  withPlanned(withSchemaFlags(schema.command('preflight').description('go through the checklist before a deployment')))
    .option('--folder <folder>', folder)
    .option('--confirm <item>', 'a person has looked at it; may be given several times', collected)
    .action(acting((watching, _, flags) => preflight(flags as VerifyingFlags, watching)))
}

function withPlanned(command: Command): Command {
  return command
    .option('--to <revision>', 'how far (default: head)')
    .option('--allow <rule>', 'bear what this rule refuses; may be given several times', collected)
    .option('--baseline <file>', 'compare the queries with it')
}
