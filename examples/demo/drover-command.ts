import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** `drover` at work. */
export interface DroverCommand {
  /** Resolves once it has printed such a line. */
  hasSaid(line: RegExp): Promise<void>
  /** What Ctrl-C does. */
  interrupt(): void
  /** Its exit code, once all that it printed was shown. */
  readonly ended: Promise<number>
}

/** Starts `drover` in a folder, as a shell does. */
export function startDrover(args: readonly string[], folder: string, show: (line: string) => void): DroverCommand {
  const child = spawn(process.execPath, [...process.execArgv, commandFile(), ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines = [child.stdout, child.stderr].map((input) => createInterface({ input }))
  for (const input of lines) input.on('line', show)
  const ended = endOf(child)
  return {
    hasSaid: (wanted) =>
      new Promise((resolve, reject) => {
        for (const input of lines) input.on('line', (line) => wanted.test(line) && resolve())
        ended.then(
          (code) => reject(new Error(`drover ${args.join(' ')} ended (${code}) before it could be interrupted.`)),
          reject,
        )
      }),
    interrupt: () => child.kill('SIGINT'),
    ended,
  }
}

async function endOf(child: ChildProcess): Promise<number> {
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  if (code === null) throw new Error(`drover was killed by ${signal}.`)
  return code
}

/** Of the package @drover/cli: beside its main module, built or not. */
function commandFile(): string {
  const main = import.meta.resolve('@drover/cli')
  return fileURLToPath(new URL(main.endsWith('.ts') ? './bin.ts' : './bin.js', main))
}
