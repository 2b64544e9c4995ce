// One process per try, as a user would have it: node try.ts dry|run <name> <places as JSON>. Prints what came of it as JSON.
import { dryRun, type FlowBackfillOptions, type PipelineOptions, runBackfill, runPipeline } from '@drover/core'
import { type Places, tries } from './tries.js'

const [mode, name = '', places = '{}'] = process.argv.slice(2)
const options = tries[name]?.(JSON.parse(places) as Places)
if (options === undefined) throw new Error(`There is no try ${name}.`)
if (mode === 'dry') {
  const begun = performance.now()
  const { forecast, problems } = await dryRun(options)
  console.log(JSON.stringify({ forecast, problems, tookMs: performance.now() - begun }))
} else {
  const begun = performance.now()
  if ('backfiller' in options) await runBackfill(options satisfies FlowBackfillOptions)
  else await runPipeline(options satisfies PipelineOptions<object>)
  console.log(JSON.stringify({ tookMs: performance.now() - begun }))
}
