import { DroverError } from '@drover/core'
import { FileProblems } from '../file/file-problems.js'
import { parseFlagJson } from '../file/flag-json.js'
import type { Given, GivenMap, GivenScalar } from '../file/given.js'
import { readYamlFile } from '../file/yaml-file.js'
import { checkPipelineFile, type PipelineFile, readPipelineFile } from '../pipeline-file.js'
import { isDocument } from './document-parts.js'

/** What the command line says of a migration: all of it, or what goes before a file. */
export interface DocumentFlags {
  readonly config?: string
  readonly source?: string
  readonly sourceConfig?: string
  readonly destination?: string
  readonly destConfig?: string
}

/** Whether some of them are given. */
export function hasDocumentFlags({ config, ...flagsOfParts }: DocumentFlags): boolean {
  return config !== undefined || flags.some(({ name }) => flagsOfParts[name] !== undefined)
}

/** Where messages say a problem of a pipeline is that no file describes. */
const commandLine = 'the command line'

const flags = [
  { flag: '--source', name: 'source', member: 'source_type' },
  { flag: '--source-config', name: 'sourceConfig', member: 'source_config' },
  { flag: '--destination', name: 'destination', member: 'destination_type' },
  { flag: '--dest-config', name: 'destConfig', member: 'destination_config' },
] as const

/**
 * The pipeline that a command is called with: a file, flags, or both. Flags go before what the file says; of a configuration only those members which the
 * flag gives, unless the flag beside it names another store.
 *
 * @throws `OPTION_INVALID`, and what `readPipelineFile` throws.
 */
export async function readPipeline(
  path: string | undefined,
  given: DocumentFlags,
  env: NodeJS.ProcessEnv,
): Promise<PipelineFile> {
  const file = fileOf(path, given.config)
  const used = flags.filter(({ name }) => given[name] !== undefined)
  if (file !== undefined && used.length === 0) return readPipelineFile(file, env)
  const read = file === undefined ? undefined : await readYamlFile(file, env)
  if (read === undefined) requireAll(used.map(({ name }) => name))
  else if (read.given.kind !== 'map' || !isDocument(read.given)) refuseBoth(file ?? '', used[0]?.flag ?? '')
  const problems = read?.problems ?? new FileProblems(commandLine)
  const entries = new Map(read?.given.kind === 'map' ? read.given.entries : [])
  const before = new Map(entries)
  for (const { flag, name, member } of used) {
    const text = given[name] ?? ''
    const value = name === 'source' || name === 'destination' ? typeOf(flag, text) : parseFlagJson(flag, text, env)
    entries.set(member, { place: value.place, value })
  }
  for (const side of ['source', 'destination'] as const)
    if (isSame(before.get(`${side}_type`)?.value, entries.get(`${side}_type`)?.value))
      keepMembers(`${side}_config`, before, entries)
  const all: GivenMap = { kind: 'map', place: read?.given.place ?? start, entries }
  return checkPipelineFile(file ?? commandLine, all, problems, env)
}

const start = { line: 1, column: 1, flag: commandLine }

/** `--config` and the argument mean the same. */
function fileOf(path: string | undefined, config: string | undefined): string | undefined {
  if (path === undefined || config === undefined || path === config) return path ?? config
  throw new DroverError('OPTION_INVALID', `Name one file: ${path}, or --config ${config}.`)
}

function requireAll(used: readonly string[]): void {
  const missing = flags.filter(({ name }) => !used.includes(name)).map(({ flag }) => flag)
  if (missing.length === 0) return
  throw new DroverError(
    'OPTION_INVALID',
    used.length === 0
      ? 'Name what is to run: a file, or --source, --source-config, --destination and --dest-config. `drover init` writes a file.'
      : `Without a file the command line says all of it; it lacks ${missing.join(' and ')}.`,
  )
}

function refuseBoth(file: string, flag: string): never {
  throw new DroverError(
    'OPTION_INVALID',
    `${flag} goes before source_type, source_config, destination_type or destination_config of a file, and ${file} has none of them: change source and sink in it.`,
  )
}

function typeOf(flag: string, value: string): GivenScalar {
  return { kind: 'scalar', place: { line: 1, column: 1, flag }, value, isPlain: false }
}

function isSame(before: Given | undefined, now: Given | undefined): boolean {
  return before?.kind === 'scalar' && now?.kind === 'scalar' && storeOf(before) === storeOf(now)
}

/** Two of the types go by two names. */
function storeOf({ value }: GivenScalar): unknown {
  return value === 'postgres' ? 'postgresql' : value === 'qdrant' ? 'unified' : value
}

type Entries = Map<string, { readonly place: Given['place']; readonly value: Given }>

function keepMembers(member: string, before: Entries, entries: Entries): void {
  const [was, now] = [before.get(member)?.value, entries.get(member)?.value]
  if (was?.kind !== 'map' || now?.kind !== 'map' || was === now) return
  const value: GivenMap = { ...now, entries: new Map([...was.entries, ...now.entries]) }
  entries.set(member, { place: now.place, value })
}
