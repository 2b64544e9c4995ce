// node --conditions=@drover/source --import tsx packages/cli/write-schema.ts
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { pipelineSchema } from './src/index.js'

writeFileSync(path.join(import.meta.dirname, 'schema.json'), `${JSON.stringify(pipelineSchema(), null, 2)}\n`)
