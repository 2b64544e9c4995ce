import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { childProgram } from '../../../tooling/child-program.js'

/**
 * Runs a program against the sources of the packages and kills it with SIGKILL as soon as it has printed what matches. Gives all
 * that it printed.
 */
export async function killWhen(program: string, args: readonly string[], pattern: RegExp): Promise<string> {
  const child = spawn(process.execPath, [childProgram(program), ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
    if (pattern.test(printed)) child.kill('SIGKILL')
  })
  const [code, signal] = await once(child, 'close')
  if (signal !== 'SIGKILL') throw new Error(`${program} ended with ${code} before it could be killed:\n${printed}`)
  return printed
}
