// How often the interval that a dry run forecasts holds the true duration: node --conditions=@drover/source --import tsx forecast/main.ts
import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import type { DryRunReport } from '@drover/core'
import { postgresBench } from '../src/postgres-bench.js'
import { sampleDatabase } from '../src/sample-database.js'
import { type Places, tries } from './tries.js'

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '2000,20000,200000' },
    only: { type: 'string' },
    samples: { type: 'string', default: path.join(tmpdir(), 'drover-bench') },
  },
})
const run = promisify(execFile)
const program = fileURLToPath(new URL('./try.ts', import.meta.url))
const folder = await mkdtemp(path.join(tmpdir(), 'drover-forecast-'))
await mkdir(values.samples, { recursive: true })
let held = 0
let all = 0

try {
  for (const rows of values.rows.split(',').map(Number)) await withRows(rows)
} finally {
  await rm(folder, { recursive: true })
}
console.log(`\n${held} of ${all} intervals held the true duration.`)
process.exitCode = held >= all * 0.8 ? 0 : 1

async function withRows(rows: number): Promise<void> {
  const database = await sampleDatabase(values.samples, rows)
  await using postgres = await postgresBench({ rows, folder: values.samples, database })
  const places: Places = {
    database,
    from: postgres.url('source'),
    to: postgres.url('target'),
    copy: path.join(folder, 'copy.db'),
    lines: path.join(folder, 'lines.ndjson'),
    folder: path.join(folder, 'out'),
  }
  await run('sh', [
    '-c',
    `sqlite3 -json "$0" 'SELECT * FROM messages' | sed 's/^\\[//; s/,$//; s/\\]$//' > "$1"`,
    database,
    places.lines,
  ])
  for (const name of Object.keys(tries)) {
    if (values.only !== undefined && !name.includes(values.only)) continue
    await postgres.renew('source', 'sample')
    await postgres.renew('target', 'empty')
    await copyFile(database, places.copy)
    await rm(places.folder, { recursive: true, force: true })
    await mkdir(places.folder)
    const { forecast, problems, tookMs: dryMs } = await child<Tried>('dry', name, places)
    const { tookMs } = await child<{ readonly tookMs: number }>('run', name, places)
    const said = problems.map(({ code, message }) => `${code}: ${message}`).join('; ')
    if (forecast === null) {
      console.log(`${rows} ${name}: no forecast; it took ${seconds(tookMs)} s ${said}`)
      continue
    }
    const { low, high } = forecast.durationMs
    const isHeld = tookMs >= low && tookMs <= high
    all++
    if (isHeld) held++
    console.log(
      `${isHeld ? 'held  ' : 'MISSED'} ${rows} ${name}: ${seconds(low)} to ${seconds(high)} s; it took ${seconds(tookMs)} s, the dry run ${seconds(dryMs)} s ${said}`,
    )
  }
}

interface Tried extends Pick<DryRunReport, 'forecast' | 'problems'> {
  readonly tookMs: number
}

async function child<T>(mode: 'dry' | 'run', name: string, places: Places): Promise<T> {
  const node = ['--conditions=@drover/source', '--import', 'tsx', program]
  const { stdout } = await run(process.execPath, [...node, mode, name, JSON.stringify(places)], {
    cwd: path.dirname(program),
  })
  return JSON.parse(stdout) as T
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(2)
}
