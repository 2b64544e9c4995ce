import { createMigrator, type Migrator } from '@drover/schema'
import { connect } from './connect.js'
import { Instance } from './instance.js'
import { Load } from './load.js'
import { e164 } from './phone.js'
import { revisions } from './revisions.js'

export interface ExampleOptions {
  /** Of an empty database. */
  readonly url: string
  /** Calls that are there from before. */
  readonly rows: number
  /** Of the application, side by side. @default 2 */
  readonly instances?: number
  /** Readers and writers at once. @default 8 */
  readonly workers?: number
  /** Requests that are answered between two phases, at the least. @default 400 */
  readonly requests?: number
  /** What Node takes to run it. @default its source, by way of tsx */
  readonly application?: readonly string[]
  readonly say: (text: string) => void
}

export interface Outcome {
  readonly counts: Load['counts']
  readonly failures: readonly string[]
  readonly slowestMs: number
  /** Calls whose number in the database is not the one that was answered last. */
  readonly wrong: readonly string[]
  readonly rows: number
  /** How release 2 answered to being started at the end. */
  readonly refusal: string | undefined
}

/** The six phases, from a column to another one, under readers and writers. */
export async function runExample(options: ExampleOptions): Promise<Outcome> {
  const { url, rows, instances = 2, workers = 8, requests = 400, application, say } = options
  const start = (release: number): Instance => new Instance(release, url, application)
  await using migrator = createMigrator({ connection: url, migrations: revisions })
  await migrator.up({ to: '001' })
  const load = new Load()
  await fill(url, rows, load)
  say(`Release 1, ${instances} of it; ${rows} calls are there`)
  load.inService = await Promise.all(Array.from({ length: instances }, () => start(1).ready()))
  load.start(workers, 2)
  try {
    await load.more(requests)
    await apply('1: the new column, empty', '002', migrator, say)
    await load.more(requests)
    await deploy('2: release 2 writes both columns', () => start(2), load, say)
    await load.more(requests)
    await apply('3: the backfill', '003', migrator, say)
    await load.more(requests)
    await apply('4: the new column is required, the old one is not', '004', migrator, say)
    await load.more(requests)
    await deploy('5: release 3 reads the new column', () => start(3), load, say)
    await deploy('5: release 4 knows the new column alone', () => start(4), load, say)
    await load.more(requests)
    await apply('6: the old column goes', '005', migrator, say)
    await load.more(requests)
  } finally {
    await load.stop()
  }
  await using late = start(2)
  const refusal = await late.refusal()
  say(`Release 2, started again by mistake: ${refusal ?? 'it started'}`)
  return { ...(await compared(url, load)), refusal }
}

async function apply(phase: string, to: string, migrator: Migrator, say: (text: string) => void): Promise<void> {
  const { revisions: applied } = await migrator.up({ to })
  for (const { id, durationMs } of applied) say(`Phase ${phase}: ${id}, ${Math.round(durationMs)} ms`)
}

/** One after the other: the new instance takes requests before the old one gets none. */
async function deploy(phase: string, start: () => Instance, load: Load, say: (text: string) => void): Promise<void> {
  for (const old of load.inService) {
    const fresh = await start().ready()
    load.inService = [...load.inService, fresh]
    await load.more(50)
    await load.retire(old)
  }
  say(`Phase ${phase}`)
}

async function fill(url: string, rows: number, load: Load): Promise<void> {
  const knex = connect(url)
  try {
    for (let begun = 0; begun < rows; begun += 500) {
      const numbers = Array.from(
        { length: Math.min(500, rows - begun) },
        (_, i) => `(555) 010-${String(begun + i).padStart(4, '0')}`,
      )
      const added = (await knex('calls')
        .insert(numbers.map((phone_number) => ({ phone_number })))
        .returning(['id', 'phone_number'])) as { readonly id: number; readonly phone_number: string }[]
      for (const { id, phone_number } of added) load.numbers.set(id, e164(phone_number))
    }
  } finally {
    await knex.destroy()
  }
}

async function compared(
  url: string,
  { numbers, counts, failures, slowestMs }: Load,
): Promise<Omit<Outcome, 'refusal'>> {
  const knex = connect(url)
  try {
    const found = (await knex('calls').select('id', 'phone_e164')) as { id: number; phone_e164: string }[]
    const kept = new Map(found.map(({ id, phone_e164 }) => [id, phone_e164]))
    const wrong = [...numbers].flatMap(([id, number]) =>
      kept.get(id) === number ? [] : [`call ${id}: ${number} was answered, ${kept.get(id)} is there`],
    )
    return { counts, failures, slowestMs, wrong, rows: found.length }
  } finally {
    await knex.destroy()
  }
}
