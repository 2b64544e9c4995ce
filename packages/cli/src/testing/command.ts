import { EventEmitter } from 'node:events'
import { Readable, Writable } from 'node:stream'
import { runCommandLine } from '../command-line.js'

/** What a command did. */
export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The command in this process: quick, and without signals and pipes. */
export async function drover(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  answers: readonly string[] = [],
): Promise<Outcome> {
  const [stdout, stderr] = [new Heard(), new Heard()]
  const code = await runCommandLine(args, {
    stdin: Readable.from(answers.map((line) => `${line}\n`)),
    stdout,
    stderr,
    env: { ...process.env, ...env },
    signals: new EventEmitter() as unknown as NodeJS.Process,
    exit: () => {},
  })
  return { code, stdout: stdout.text, stderr: stderr.text }
}

/** Lines of JSON. */
export function events(stdout: string): Record<string, unknown>[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

class Heard extends Writable {
  text = ''

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}
