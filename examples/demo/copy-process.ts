// Copies in a process of its own, which its parent kills on the way.
import { startPipeline } from '@drover/core'
import { copyTo, placesIn, type Target } from './copies.js'

const [target, folder, recordsPerSecond] = process.argv.slice(2) as [Target, string, string]
// No faster than its parent can kill it.
await using live = startPipeline({
  ...copyTo(target, placesIn(folder)),
  recordsPerSecond: Number(recordsPerSecond),
  progress: process.stdout,
})
live.events.on('batch:committed', () => process.send?.(live.status()?.counts.read))
await live.result
