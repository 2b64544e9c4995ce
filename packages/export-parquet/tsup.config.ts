import { copyFile } from 'node:fs/promises'
import { library } from '../../tooling/tsup.js'

export default library({
  bundledIntoCjs: ['hyparquet', 'hyparquet-compressors'],
  // `import.meta.url` in the CommonJS build too: the worker thread's file stands beside it.
  shims: true,
  async onSuccess() {
    for (const file of ['encode-worker.mjs', 'write-parquet.mjs']) await copyFile(`src/encode/${file}`, `dist/${file}`)
  },
})
