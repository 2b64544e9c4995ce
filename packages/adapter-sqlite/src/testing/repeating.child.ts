import { startPipeline, startReplay } from '@drover/core'
import { repeatingPipeline, sweepingPipeline } from './repeating.js'

/** A run, a replay, or a run that deletes, killed behind so many batches: folder, which of them, batches. */
const [folder = '', kind = '', batches = ''] = process.argv.slice(2)
const start = {
  run: () => startPipeline(repeatingPipeline(folder, false)),
  replay: () => startReplay(repeatingPipeline(folder, true)),
  sweep: () => startPipeline(sweepingPipeline(folder)),
}[kind]
const live = start?.()
live?.events.on('batch:committed', ({ partition, sequence }) => {
  const isMeant = kind !== 'sweep' || partition === 'drover:deletes'
  if (isMeant && sequence === Number(batches)) process.kill(process.pid, 'SIGKILL')
})
await live?.result
