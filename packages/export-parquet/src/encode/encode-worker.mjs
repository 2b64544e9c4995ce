// @ts-check
// The thread of `EncodeThread`. Plain JavaScript: it runs as it stands, in `src` and in `dist`.
import { parentPort } from 'node:worker_threads'
import { encode } from './write-parquet.mjs'

/** @import { EncodeRequest } from './encode-thread.js' */

parentPort?.on('message', async (/** @type {EncodeRequest} */ request) => {
  const answer = await encode(request)
  const moved =
    'files' in answer ? [answer.ipc, ...answer.files].map((bytes) => /** @type {ArrayBuffer} */ (bytes.buffer)) : []
  parentPort?.postMessage(answer, moved)
})
parentPort?.postMessage('drover:ready')
// Compiled while the first rows are read; where it cannot be loaded, the first request says so.
import('parquet-wasm').catch(() => {})
