import { randomBytes } from 'node:crypto'
import { readdir, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { DroverError } from '@drover/core'
import type { Migration } from '../contracts/migration.js'
import { RevisionGraph } from '../graph/revision-graph.js'

/** Revisions that are there already, to count on and depend on. */
export interface Beside {
  readonly folder?: string
  readonly migrations?: readonly Migration[]
}

/** `add priority to calls!` as `add_priority_to_calls`. */
export function slugOf(message: string): string {
  const slug = message
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/^_+|_+$/g, '')
  return slug.slice(0, 60).replace(/_+$/, '')
}

/** The next number where revisions are numbered, else one like Alembic's; with the message behind it. */
export async function newId(message: string, { folder, migrations = [] }: Beside): Promise<string> {
  const names = [...migrations.map(({ id }) => id), ...(await filesIn(folder))]
  const numbers = names.flatMap((name) => /^(\d{3,})(?:[_-]|$)/.exec(name)?.[1] ?? [])
  const width = Math.max(3, ...numbers.map(({ length }) => length))
  const isCounted = names.length === 0 || numbers.length > 0
  const number = isCounted
    ? String(Math.max(0, ...numbers.map(Number)) + 1).padStart(width, '0')
    : randomBytes(6).toString('hex')
  const slug = slugOf(message)
  return slug === '' ? number : `${number}_${slug}`
}

/** `<revision>_<slug>.ts`; the slug is not said twice. */
export function fileNameOf(id: string, message: string): string {
  const slug = slugOf(message)
  return slug === '' || id.toLowerCase().endsWith(slug) ? `${id}.ts` : `${id}_${slug}.ts`
}

/**
 * The heads that a new revision depends on.
 *
 * @throws `REVISION_AMBIGUOUS`: there are several, and nobody said which
 */
export function parentsOfNew(
  where: string,
  { migrations = [] }: Beside,
  given?: string | readonly string[],
): readonly string[] {
  const graph = new RevisionGraph(migrations)
  if (given !== undefined) {
    const parents = typeof given === 'string' ? [given] : given
    if (migrations.length > 0) for (const parent of parents) graph.get(parent)
    return parents
  }
  if (graph.heads.length < 2) return graph.heads
  throw new DroverError(
    'REVISION_AMBIGUOUS',
    `${where}: there are ${graph.heads.length} heads: ${graph.heads.join(', ')}. Merge them first ("drover schema merge heads"), or say which it depends on.`,
  )
}

/** @throws `OPTION_INVALID`: there is a file of that name; `SOURCE_NOT_FOUND`: there is no such folder */
export async function writeRevision(folder: string, fileName: string, text: string): Promise<string> {
  const path = join(folder, fileName)
  try {
    await writeFile(path, text, { flag: 'wx' })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST')
      throw new DroverError('OPTION_INVALID', `${path} is there already. Give another id or message.`, { cause: error })
    const isMissing = code === 'ENOENT' || code === 'ENOTDIR'
    throw new DroverError(
      isMissing ? 'SOURCE_NOT_FOUND' : 'STORE_DENIED',
      `${path} cannot be written: ${isMissing ? 'there is no such folder; make it first' : String(code)}.`,
      { cause: error },
    )
  }
  return path
}

/** Of whoever runs it; some containers have nobody. */
export function authorName(): string {
  try {
    return userInfo().username
  } catch {
    return 'unknown'
  }
}

async function filesIn(folder: string | undefined): Promise<string[]> {
  if (folder === undefined) return []
  try {
    return (await readdir(folder)).filter((name) => /\.[cm]?[jt]s$/.test(name) && !/^[._]/.test(name))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
