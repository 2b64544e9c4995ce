import { type ChildProcess, spawn } from 'node:child_process'
import path from 'node:path'
import { childPackages } from '../../../../tooling/child-packages.js'
import type { Outcome } from './command.js'

/** The command made of its sources, as a shell would run it. */
export const commandLine: readonly string[] = [
  process.execPath,
  path.join(childPackages('cli', { bin: 'src/bin.ts' }), 'bin.js'),
]

/** The command as a process of its own. */
export interface Child {
  readonly process: ChildProcess
  /** Resolves once it has printed that, on either stream. */
  until(text: string | RegExp): Promise<void>
  readonly ended: Promise<Outcome>
}

export function startDrover(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): Child {
  const [program, ...before] = commandLine as [string, ...string[]]
  return started(spawn(program, [...before, ...args], { cwd, env: { ...process.env, ...env } }))
}

export function started(child: ChildProcess): Child {
  const said = { stdout: '', stderr: '' }
  const waiting = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      said[name] += text
      for (const look of waiting) look()
    })
  }
  const ended = new Promise<Outcome>((resolve) => {
    child.on('close', (code) => resolve({ code, ...said }))
  })
  return {
    process: child,
    ended,
    until: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const all = said.stdout + said.stderr
          if (typeof text === 'string' ? !all.includes(text) : !text.test(all)) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
        void ended.then(({ stdout, stderr }) =>
          reject(new Error(`It ended without ${String(text)}:\n${stdout}${stderr}`)),
        )
      }),
  }
}
