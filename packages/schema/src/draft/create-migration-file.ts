import { checkNames, checkOptionNames, checkText, DroverError } from '@drover/core'
import type { Migration } from '../contracts/migration.js'
import { RevisionGraph } from '../graph/revision-graph.js'
import { defineMigration } from '../migration/define-migration.js'
import { authorName, fileNameOf, newId, parentsOfNew, writeRevision } from './new-revision.js'
import { revisionText } from './revision-text.js'

/** Options of {@link createMigrationFile}. */
export interface CreateMigrationOptions {
  /** Where revisions are. It must be there. */
  readonly folder: string
  /** What it does: `add priority to calls`. */
  readonly message: string
  /** @default the next number, where revisions are numbered, else a random one; and the message */
  readonly id?: string
  /** Those that are there already: it depends on their head. */
  readonly migrations?: readonly Migration[]
  /** @default the head of `migrations` */
  readonly dependsOn?: string | readonly string[]
  /** @default who runs it */
  readonly author?: string
  /** @default the current date */
  readonly now?: Date
}

/** A file of a revision. */
export interface MigrationFile {
  readonly id: string
  readonly path: string
  readonly text: string
}

/** Options of {@link createMergeFile}. */
export interface CreateMergeOptions extends Omit<CreateMigrationOptions, 'dependsOn' | 'migrations'> {
  readonly migrations: readonly Migration[]
  /** Which of the heads. @default all of them */
  readonly heads?: readonly string[]
}

const known = ['folder', 'message', 'id', 'migrations', 'author', 'now'] as const

/**
 * Writes a file of TypeScript with an empty revision, below the checklist of things to do for it: `004_add_priority_to_calls.ts`.
 *
 * @throws `OPTION_INVALID`, `SOURCE_NOT_FOUND`, `REVISION_AMBIGUOUS`, `REVISION_UNKNOWN`
 *
 * @example
 * await createMigrationFile({ folder: 'migrations', message: 'add priority to calls', migrations })
 */
export async function createMigrationFile(options: CreateMigrationOptions): Promise<MigrationFile> {
  const where = 'createMigrationFile'
  checkOptionNames(where, options, [...known, 'dependsOn'])
  return await write(where, options, parentsOfNew(where, options, options.dependsOn))
}

/**
 * Writes a revision that does nothing but depend on several heads, so that there is one again.
 *
 * @throws `OPTION_INVALID`: there is one head only; `SOURCE_NOT_FOUND`, `REVISION_UNKNOWN`
 */
export async function createMergeFile(options: CreateMergeOptions): Promise<MigrationFile> {
  const where = 'createMergeFile'
  checkOptionNames(where, options, [...known, 'heads'])
  checkNames(where, 'heads', options.heads)
  const graph = new RevisionGraph(options.migrations)
  const heads = [...new Set(options.heads ?? graph.heads)]
  for (const head of heads) graph.get(head)
  if (heads.length < 2) {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: there is nothing to merge: ${heads.length === 0 ? 'no head' : `${heads.join('')} is the only head`}.`,
    )
  }
  return await write(where, options, heads)
}

async function write(
  where: string,
  options: Omit<CreateMigrationOptions, 'dependsOn'>,
  dependsOn: readonly string[],
): Promise<MigrationFile> {
  const { folder, message, author = authorName(), now = new Date() } = options
  checkText(where, 'folder', folder)
  checkText(where, 'message', message)
  const id = options.id ?? (await newId(message, options))
  defineMigration({ id, dependsOn, up: () => {} })
  if (options.migrations?.some((migration) => migration.id === id) === true)
    throw new DroverError('OPTION_INVALID', `${where}: there is a revision ${id} already.`)
  const text = revisionText({ id, dependsOn, message, author, now })
  return { id, path: await writeRevision(folder, fileNameOf(id, message), text), text }
}
