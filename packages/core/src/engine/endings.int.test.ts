import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { childProgram } from '../../../../tooling/child-program.js'

const script = fileURLToPath(new URL('./testing/endings.ts', import.meta.url))
let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'drover-endings-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

/** What the script printed, once it had ended by itself. */
async function printed(ending: string): Promise<{ lines: string[]; errors: string }> {
  const all = ['--unhandled-rejections=strict', childProgram(script), ending, directory]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, all, {
    timeout: 30_000,
  })
  return { lines: stdout.trim().split('\n'), errors: stderr }
}

describe('a plain script', { timeout: 40_000 }, () => {
  it('ends by itself behind a run', async () => {
    expect((await printed('completed')).lines.at(-1)).toBe('completed')
  })

  it('ends by itself behind a run that stood still for a while', async () => {
    expect((await printed('stalled')).lines).toEqual(['stalled', 'completed', 'at once'])
  })

  it('does not end while a run in it is paused', async () => {
    expect((await printed('paused')).lines).toEqual(['paused', 'completed'])
  })

  it('hears of a failed run at the end of its scope, and is not ended by it before', async () => {
    expect((await printed('scope')).lines).toEqual(['scope failed: gone'])
  })

  it('is not ended by what fails late in a run that has failed already', async () => {
    const { lines, errors } = await printed('failures')
    expect(lines).toHaveLength(8)
    expect(new Set(lines)).toEqual(new Set(['UNEXPECTED', 'RECORD_REJECTED']))
    expect(errors).toBe('')
  })

  it('ends behind steps that never answer', async () => {
    expect((await printed('stuck')).lines).toEqual(['RECORD_REJECTED'])
  })
})
