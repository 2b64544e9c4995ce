import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { childProgram } from '../../../tooling/child-program.js'

export interface QdrantProcessOptions {
  /** Folder that keeps what was acknowledged. */
  readonly data: string
  readonly apiKey?: string
}

/** The server as a process of its own, which can be killed and started again with its data, at the same address. */
export interface QdrantProcess extends AsyncDisposable {
  readonly url: string
  /** At once, whatever it is doing. */
  kill(): Promise<void>
  start(): Promise<void>
}

/** Where this was made into one file of JavaScript, the program was too. */
const bundled = fileURLToPath(new URL('qdrant-server-main.js', import.meta.url))
const source = fileURLToPath(new URL('../main.ts', import.meta.url))

/** Starts it. It ends with this process, however that ends. */
export async function startQdrantProcess(options: QdrantProcessOptions): Promise<QdrantProcess> {
  let { child, port } = await launch(options, 0)
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return {
    url: `http://127.0.0.1:${port}`,
    kill,
    start: async () => {
      ;({ child, port } = await launch(options, port))
    },
    [Symbol.asyncDispose]: kill,
  }
}

async function launch(options: QdrantProcessOptions, port: number): Promise<{ child: ChildProcess; port: number }> {
  const args = [existsSync(bundled) ? bundled : childProgram(source), JSON.stringify({ ...options, port })]
  // It reads its standard input to the end, which comes when this process is gone.
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  const line = await Promise.race([once(lines, 'line'), once(child, 'exit').then(() => null)])
  if (line === null) throw new Error(`The Qdrant test server did not start (exit code ${child.exitCode}).`)
  return { child, port: Number(line[0]) }
}
