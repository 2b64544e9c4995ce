import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { root } from '../blocks.js'
import { troubleshootingPage } from './page.js'

it('docs/troubleshooting.md lists every trouble as it stands in the sources', () => {
  const written = readFileSync(path.join(root, 'docs/troubleshooting.md'), 'utf8')
  expect(
    written,
    'run: node --conditions=@drover/source --import tsx internal/docs-test/write-troubleshooting-page.ts',
  ).toBe(troubleshootingPage())
})
