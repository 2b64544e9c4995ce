// node --conditions=@drover/source --import tsx packages/adapter-qdrant/write-kernel.ts
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import wabt from 'wabt'

const folder = path.join(import.meta.dirname, 'src/wire')
const source = readFileSync(path.join(folder, 'float32-kernel.wat'), 'utf8')
const features = { simd: true }
const { buffer } = (await wabt()).parseWat('float32-kernel.wat', source, features).toBinary({})
const lines =
  Buffer.from(buffer)
    .toString('base64')
    .match(/.{1,110}/g) ?? []

writeFileSync(
  path.join(folder, 'float32-kernel.ts'),
  `/** float32-kernel.wat, compiled by write-kernel.ts: WebAssembly in base64. */
export const float32Kernel =
${lines.map((line) => `  '${line}'`).join(' +\n')}
`,
)
