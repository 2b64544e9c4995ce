// node --conditions=@drover/source --import tsx internal/docs-test/write-error-page.ts
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { errorPage } from './src/error-page.js'

writeFileSync(path.resolve(import.meta.dirname, '../../docs/errors.md'), errorPage())
