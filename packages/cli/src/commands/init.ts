import { writeFile } from 'node:fs/promises'
import { DroverError } from '@drover/core'
import { stringify } from 'yaml'
import { type DocumentFlags, readPipeline } from '../document/document-flags.js'
import { type ExitCode, exitCodes, preparing } from '../exit-codes.js'
import { type Asker, askerOf } from '../init/asker.js'
import {
  destinationMembers,
  destinationQuestion,
  type Member,
  metadataQuestion,
  sourceMembers,
  sourceQuestion,
  threadsQuestion,
} from '../init/questions.js'
import type { Watching } from './live.js'

/** Flags of `drover init`: what they say is not asked for. */
export interface InitFlags extends DocumentFlags {
  readonly output: string
}

type Config = Record<string, unknown>

/** `drover init`: asks what goes where, and writes the file that says so; never over one that is there. */
export async function init(flags: InitFlags, { voice, surroundings }: Watching): Promise<ExitCode> {
  const { output } = flags
  const { notes, needs } = await preparing(async () => {
    using asker = askerOf(
      surroundings,
      'Answer by a line each on stdin, or give --source, --source-config, --destination and --dest-config.',
    )
    const asked = await askFor(flags, asker, surroundings.env)
    await writeFile(output, fileText(asked.config), { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST')
        throw new DroverError(
          'OPTION_INVALID',
          `${output} is there already, and stays as it is. Take another: --output.`,
        )
      throw DroverError.from(error, `${output} cannot be written`, 'STORE_DENIED')
    })
    return asked
  })
  for (const note of notes) voice.note(note)
  const first = needs.length === 0 ? '' : ` It needs ${needs.join(' and ')}: set them, or name a file: --env-file .env.`
  voice.tell(`Wrote ${output}.${first} Look at what it would do: drover check ${output}`, {
    event: 'init',
    file: output,
    needs,
  })
  return exitCodes.done
}

interface Asked {
  readonly config: Config
  /** What the person has to do besides. */
  readonly notes: readonly string[]
  /** Variables that are to be set before it is run. */
  readonly needs: readonly string[]
}

async function askFor(flags: InitFlags, asker: Asker, env: NodeJS.ProcessEnv): Promise<Asked> {
  const notes: string[] = []
  const isGiven = flags.sourceConfig !== undefined && flags.destConfig !== undefined
  const source = flags.source ?? (await asker.ask(sourceQuestion))
  const secrets: Secrets = new Map()
  const from = await configOf(flags.sourceConfig, '--source-config', sourceMembers(source), asker)
  const sourceConfig = withoutSecrets(from, secrets, notes)
  const destination = flags.destination ?? (await asker.ask(destinationQuestion))
  const to = await configOf(flags.destConfig, '--dest-config', destinationMembers(destination, from), asker)
  const destConfig = withoutSecrets(to, secrets, notes, Object.values(sourceConfig))
  const pattern = isGiven ? '' : await asker.ask(threadsQuestion)
  const isNoted = !isGiven && (await asker.ask(metadataQuestion)) === 'true'
  // What the flags say wrong is refused as a run would refuse it, and nothing is written.
  await readPipeline(
    undefined,
    { source, sourceConfig: JSON.stringify(sourceConfig), destination, destConfig: JSON.stringify(destConfig) },
    everything(env),
  )
  const config = {
    source_type: source,
    source_config: sourceConfig,
    destination_type: destination,
    destination_config: destConfig,
    ...(pattern === '' ? {} : { filters: { thread_pattern: pattern } }),
    ...(isNoted ? { transformers: ['add_metadata'] } : {}),
  }
  return { config, notes, needs: variablesOf(config, env) }
}

/** Variables that a run of the file needs, and that are not set here. */
function variablesOf(config: Config, env: NodeJS.ProcessEnv): string[] {
  const named = [...JSON.stringify(config).matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name)
  const ofModel = (config.destination_config as Config).embedding_model === undefined ? [] : ['OPENAI_API_KEY']
  return [...new Set([...named, ...ofModel])].filter((name) => (env[name] ?? '') === '')
}

/** The file may name variables that are set elsewhere. */
function everything(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return new Proxy(env, { get: (variables, name) => variables[String(name)] ?? 'set elsewhere' })
}

async function configOf(
  given: string | undefined,
  flag: string,
  members: readonly Member[],
  asker: Asker,
): Promise<Config> {
  if (given !== undefined) return parsed(given, flag)
  const config: Config = {}
  for (const { name, when, ...question } of members) {
    if (when?.(config) === false) continue
    const answer = await asker.ask(question)
    if (answer !== '') config[name] = answered(name, answer)
  }
  return config
}

function answered(name: string, answer: string): unknown {
  if (answer === 'true' || answer === 'false') return answer === 'true'
  return name === 'dimensions' && /^\d+$/.test(answer) ? Number(answer) : answer
}

/** What a variable stands for in the file. */
type Secrets = Map<string, string>

/** The configuration with a variable for each password; never one that stands for something else already. */
function withoutSecrets(config: Config, secrets: Secrets, notes: string[], taken: readonly unknown[] = []): Config {
  const safe = { ...config }
  for (const [name, value] of Object.entries(config)) {
    const usual = variables[name]
    if (typeof value !== 'string' || usual === undefined || !holdsSecret(name, value)) continue
    const isFree = secrets.get(usual) === value || !taken.includes(`\${${usual}}`)
    const variable = isFree ? usual : `DESTINATION_${usual}`
    secrets.set(variable, value)
    safe[name] = `\${${variable}}`
    notes.push(
      `The password of ${name} is not written to the file: set ${variable}, for example in .env with --env-file .env`,
    )
  }
  return safe
}

function parsed(text: string, flag: string): Config {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch {
    // What the parser says quotes what stands there, which may be a password.
  }
  throw new DroverError('OPTION_INVALID', `${flag} takes a JSON object, in single quotes: '{"name": "value"}'`)
}

/** Where secrets belong that a file is not to hold. */
const variables: Readonly<Record<string, string>> = {
  connection_string: 'DATABASE_URL',
  redis_url: 'REDIS_URL',
  qdrant_url: 'QDRANT_URL',
  api_key: 'QDRANT_API_KEY',
}

function holdsSecret(name: string, value: string): boolean {
  if (value.includes('${')) return false
  return name === 'api_key' || /:\/\/[^/?#]*:.*@/.test(value) || /\bpassword=/i.test(value)
}

function fileText(config: Config): string {
  return `# yaml-language-server: $schema=./node_modules/@drover/cli/schema.json\n${stringify(config)}`
}
