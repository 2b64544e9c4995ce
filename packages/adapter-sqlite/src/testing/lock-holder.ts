import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

const program = `
  const database = new (require('better-sqlite3'))(process.argv[1])
  database.exec('BEGIN IMMEDIATE')
  process.stdout.write('locked')
  process.stdin.once('data', () => {
    database.exec('COMMIT')
    database.close()
    process.stdin.destroy()
  })
`

/** Another process that holds the write lock of a database until it is told to let go. */
export class LockHolder implements AsyncDisposable {
  private constructor(private readonly child: ChildProcess) {}

  static async of(file: string): Promise<LockHolder> {
    const child = spawn(process.execPath, ['-e', program, file], {
      cwd: import.meta.dirname,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const [said] = await once(child.stdout as NodeJS.ReadableStream, 'data')
    if (String(said) !== 'locked') throw new Error(`the lock was not taken: ${String(said)}`)
    return new LockHolder(child)
  }

  async release(): Promise<void> {
    if (this.child.exitCode !== null) return
    this.child.stdin?.write('release')
    await once(this.child, 'exit')
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }
}
