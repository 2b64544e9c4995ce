// node --conditions=@drover/source --import tsx internal/docs-test/write-troubleshooting-page.ts
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { troubleshootingPage } from './src/troubleshooting/page.js'

writeFileSync(path.resolve(import.meta.dirname, '../../docs/troubleshooting.md'), troubleshootingPage())
