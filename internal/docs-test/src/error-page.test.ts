import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { root } from './blocks.js'
import { errorPage } from './error-page.js'

it('docs/errors.md lists every code as it stands in the sources', () => {
  const written = readFileSync(path.join(root, 'docs/errors.md'), 'utf8')
  expect(written, 'run: node --conditions=@drover/source --import tsx internal/docs-test/write-error-page.ts').toBe(
    errorPage(),
  )
})
