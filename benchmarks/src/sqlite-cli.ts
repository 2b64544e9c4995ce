import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Runs SQL in the sqlite3 command-line program and gives what it prints. */
export async function sqliteCli(database: string, sql: string): Promise<string> {
  const { stdout } = await run('sqlite3', [database, sql], { maxBuffer: 64 * 1024 * 1024 })
  return stdout.trim()
}

export async function hasCli(): Promise<boolean> {
  try {
    await run('sqlite3', ['--version'])
    return true
  } catch {
    return false
  }
}
