import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll } from 'vitest'

/** A folder of the test file's own. */
export interface TestFolder {
  readonly path: string
  /** Writes a file and gives its path. */
  write(name: string, content: string | Uint8Array): string
  file(name: string): string
}

export function useFolder(): TestFolder {
  const folder = mkdtempSync(path.join(tmpdir(), 'drover-cli-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const file = (name: string): string => path.join(folder, name)
  return {
    path: folder,
    file,
    write(name, content) {
      mkdirSync(path.dirname(file(name)), { recursive: true })
      writeFileSync(file(name), content)
      return file(name)
    },
  }
}
