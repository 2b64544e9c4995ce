import { fork } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import type { Target } from './copies.js'

/**
 * Copies in a child process and kills it with SIGKILL once so many records are committed: no handler runs, nothing is
 * flushed. Gives the number of records that it had committed by then, as far as it could say.
 */
export async function copyAndKill(target: Target, folder: string, after: number): Promise<number> {
  const child = fork(path.join(import.meta.dirname, 'copy-process.ts'), [target, folder, String(after * 4)], {
    execArgv: [...process.execArgv, '--import', import.meta.resolve('tsx')],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  let committed = 0
  child.on('message', (read: number) => {
    committed = read
    if (read >= after) child.kill('SIGKILL')
  })
  const [code, signal] = await once(child, 'exit')
  // Its line of progress may stand there half drawn.
  if (process.stdout.isTTY) process.stdout.write('\r\u001b[2K')
  if (signal !== 'SIGKILL' && code !== 1)
    throw new Error(`The copy to the ${target} ended (${code}) before it could be killed.`)
  if (signal !== 'SIGKILL') throw new Error(`The copy to the ${target} failed; the reason is above.`)
  return committed
}
