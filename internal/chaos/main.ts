import os from 'node:os'
import { parseArgs } from 'node:util'
import { crashHarness } from '@drover/conformance/crash'
import { buildWorker } from './src/build-worker.js'
import { reportLine } from './src/report-line.js'

const usage = `npm run chaos -- [--seconds 60] [--kills N] [--seed N] [--pair NAME] [--rivals N]

Kills processes that move data, with SIGKILL at random moments, and compares source and destination record by record.
  --seconds  how long, over all pairs (default 60)
  --kills    so many kills of each pair, however long it takes
  --seed     decides the records; printed with every line
  --pair     one pair alone; can be given several times
  --rivals   processes that work on the same run at once (default 1)`

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    kills: { type: 'string' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    pair: { type: 'string', multiple: true },
    rivals: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(usage)
else if (!(await kill())) process.exitCode = 1

/** Whether all that was lost or doubled is nothing. */
async function kill(): Promise<boolean> {
  const worker = await buildWorker('builds')
  const { pairs } = (await import(worker.href)) as { readonly pairs: object }
  const known = Object.keys(pairs)
  const wanted = values.pair ?? known
  const unknown = wanted.filter((pair) => !known.includes(pair))
  if (unknown.length > 0) throw new Error(`There is no pair ${unknown.join(', ')}; there are ${known.join(', ')}.`)
  const lanes = Math.max(1, Math.min(os.availableParallelism(), wanted.length))
  const [seed, rivals] = [wholeNumber('seed', 0), wholeNumber('rivals', 1)]
  const kills = values.kills === undefined ? undefined : wholeNumber('kills', 1)
  const limit = kills === undefined ? { seconds: (wholeNumber('seconds', 1) * lanes) / wanted.length } : { kills }
  console.log(
    `seed ${seed}: ${wanted.length} pairs, ${lanes} at a time, ${kills === undefined ? `${values.seconds} s` : `${kills} kills each`}`,
  )
  const waiting = [...wanted]
  let whole = true
  const lane = async (): Promise<void> => {
    for (let pair = waiting.shift(); pair !== undefined; pair = waiting.shift()) {
      try {
        console.log(`ok   ${reportLine(await crashHarness({ worker, pair, seed, rivals, ...limit }))}`)
      } catch (error) {
        whole = false
        console.log(`FAIL ${pair}, seed ${seed}\n${error instanceof Error ? error.message : String(error)}`)
      }
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return whole
}

function wholeNumber(name: 'seconds' | 'kills' | 'seed' | 'rivals', least: number): number {
  const value = Number(values[name])
  if (Number.isSafeInteger(value) && value >= least) return value
  throw new Error(`--${name} is a whole number of at least ${least}, not "${values[name]}".\n\n${usage}`)
}
