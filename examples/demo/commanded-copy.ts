import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Places } from './copies.js'
import { startDrover } from './drover-command.js'
import { tamperTable } from './tamper.js'

export interface CommandedOptions {
  readonly places: Places
  readonly messages: number
  /** Change a record before the comparison. */
  readonly tampered: boolean
  /** What is done next. */
  readonly say: (text: string) => void
  /** Takes what the command prints. */
  readonly show: (line: string) => void
}

/** What the command came to, by its exit codes. */
export interface Commanded {
  readonly command: string
  readonly interrupted: number
  readonly resumed: number
  readonly verified: number
}

/** Copies by `drover run` with a YAML file: interrupts it as Ctrl-C does, runs the same command again, and has `drover verify` compare. */
export async function copyByCommand({ places, messages, tampered, say, show }: CommandedOptions): Promise<Commanded> {
  const { pipeline, database, archive } = places
  const [folder, file] = [path.dirname(pipeline), path.basename(pipeline)]
  await writeFile(pipeline, pipelineText(path.basename(database), path.basename(archive)))
  // Slow enough for its first line of progress, which comes after a second, to be on the way.
  const args = ['run', file, '--records-per-second', String(Math.ceil(messages * 0.45))]
  const command = ['drover', ...args].join(' ')

  say(`The same by a command, which gets a Ctrl-C on the way: ${command}`)
  const first = startDrover(args, folder, show)
  await first.hasSaid(/ ETA /)
  first.interrupt()
  const interrupted = await first.ended

  say('The same command again, as it says')
  const resumed = await startDrover(args, folder, show).ended
  if (tampered) await tamperTable(archive)
  say(`Comparing by a command: drover verify ${file}`)
  const verified = await startDrover(['verify', file], folder, show).ended
  return { command, interrupted, resumed, verified }
}

/** The steps of the other copies, as a file says them. */
function pipelineText(database: string, archive: string): string {
  return `name: messages-to-archive
source:
  type: sqlite
  filename: ${database}
  table: conversation_history
filter:
  role: { ne: debug }
  content: { ne: '' }
transform:
  - type: normalize-timestamps
    fields: [created_at]
  - type: omit
    fields: [importance_score]
  - type: add-metadata
sink:
  type: sqlite
  filename: ${archive}
  table: messages
  key: id
batchSize: 500
`
}
