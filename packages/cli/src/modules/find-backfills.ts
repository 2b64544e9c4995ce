import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { DroverError, suggestNames } from '@drover/core'
import type { BackfillPart, PipelineFile } from '../pipeline-file.js'

/** A backfill that can be run by its name. */
export interface ListedBackfill {
  /** Of its file, without `backfill_` in front. */
  readonly feature: string
  /** To be loaded from `folder`. */
  readonly module: string
  readonly folder: string
  /** What a file says of it besides. */
  readonly part?: {
    readonly file: PipelineFile
    readonly at: readonly (string | number)[]
    readonly options: BackfillPart
  }
}

/** The folders that are looked into, besides the one that is asked for. */
const usualFolder = 'backfills'
const fileName = /^backfill[-_](.+)\.[cm]?[jt]s$/

/** Those that a file lists; or, without a file, the modules `backfill_*.ts` here and in the folder `backfills`. */
export async function findBackfills(file: PipelineFile | undefined): Promise<readonly ListedBackfill[]> {
  if (file === undefined) return [...(await backfillsIn('.')), ...(await backfillsIn(usualFolder))]
  return (file.parts.backfills ?? []).map((listed, i) => {
    const options = typeof listed === 'string' ? { module: listed } : listed
    const { module } = options
    return { feature: featureOf(module), module, folder: file.folder, part: { file, at: ['backfills', i], options } }
  })
}

/**
 * The one that is asked for: by the path of its module, or by its name.
 *
 * @throws `NAME_UNKNOWN` with the nearest names.
 */
export function chooseBackfill(wanted: string, listed: readonly ListedBackfill[]): ListedBackfill {
  const found = listed.find(({ feature, module }) => [module, feature, `backfill_${feature}`].includes(wanted))
  if (found !== undefined) return found
  if (isModule(wanted)) return { feature: featureOf(wanted), module: wanted, folder: '.' }
  const known = suggestNames(
    wanted,
    listed.map(({ feature }) => feature),
  )
  throw new DroverError(
    'NAME_UNKNOWN',
    `There is no backfill "${wanted}"${known} A file is named by its path: ./backfill_${wanted}.ts`,
  )
}

/** What a module says of itself in the comment at its beginning. */
export async function aboutBackfill({ module, folder }: ListedBackfill): Promise<Readonly<Record<string, string>>> {
  const text = await readFile(path.resolve(folder, module.split('#', 1)[0] as string), 'utf8').catch(() => '')
  const comment = /^\s*\/\*\*([\s\S]*?)\*\//.exec(text)?.[1] ?? ''
  const about: Record<string, string> = {}
  let current: string | undefined
  for (const line of comment.split('\n').map((written) => written.replace(/^\s*\*? ?/, '').trimEnd())) {
    const begun = /^(Purpose|When to run|Usage):\s*(.*)$/.exec(line)
    if (begun !== null) {
      current = begun[1] as string
      about[current] = begun[2] as string
    } else if (line === '') current = undefined
    else if (current !== undefined) about[current] = `${about[current]} ${line.trim()}`.trim()
  }
  return about
}

async function backfillsIn(folder: string): Promise<ListedBackfill[]> {
  const isFolder = (await stat(folder).catch(() => undefined))?.isDirectory() === true
  const names = isFolder ? await readdir(folder) : []
  return names
    .filter((name) => fileName.test(name) && !/\.(?:test|spec|d)\.[cm]?[jt]s$/.test(name))
    .sort()
    .map((name) => ({ feature: featureOf(name), module: `./${path.posix.join(folder, name)}`, folder: '.' }))
}

function featureOf(module: string): string {
  const [file = ''] = module.split('#', 1)
  return fileName.exec(path.basename(file))?.[1] ?? path.basename(file).replace(/\.[cm]?[jt]s$/, '')
}

/** Whether it names a module by its path, and not a run or a backfill by its name. */
export function isModule(wanted: string): boolean {
  return /[/\\]|\.[cm]?[jt]s(?:#|$)/.test(wanted)
}
