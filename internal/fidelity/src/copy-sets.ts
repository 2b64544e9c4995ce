import { DroverError, type FidelityIssue, memorySink, memoryStateStore, type Row, runPipeline } from '@drover/core'
import { formOf } from './forms.js'
import { overheard } from './overheard.js'
import { recordsOf, type Sample, samplesOf } from './records.js'
import type { NamedSet } from './sets.js'
import type { Store } from './store.js'

/** What became of the values of one set between two stores. */
export interface Cell {
  /** Values that arrived as they were. */
  readonly exact: number
  /** Values that arrived in another form, by its name. */
  readonly forms: ReadonlyMap<string, number>
  /** Values that were refused with their record. */
  readonly refused: number
  /** The set was refused as a whole, before anything was written. */
  readonly issue?: FidelityIssue
  /** What is wrong: a value that is another one now, or is missing, or came twice. */
  readonly wrong: readonly string[]
}

/** Copies the sets that the one store has to the other one, and looks at what arrived. */
export async function copySets(sets: readonly NamedSet[], from: Store, to: Store): Promise<Map<string, Cell>> {
  const held = sets.filter(from.holds)
  const { issues, cells } = await copyOnce(held, from, to)
  if (issues.size === 0) return cells
  const allowed = held.filter(({ name }) => !issues.has(name))
  const rest = await copyOnce(allowed, from, to)
  if (rest.issues.size > 0) throw new Error(`${from.name} → ${to.name}: refused at a second look only`)
  return new Map([...[...issues].map(([name, issue]) => [name, { ...nothing, issue }] as const), ...rest.cells])
}

const nothing: Cell = { exact: 0, forms: new Map(), refused: 0, wrong: [] }

interface Copy {
  readonly issues: ReadonlyMap<string, FidelityIssue>
  readonly cells: Map<string, Cell>
}

async function copyOnce(sets: readonly NamedSet[], from: Store, to: Store): Promise<Copy> {
  const source = await from.seed(sets, recordsOf(sets))
  const place = to.place(sets)
  const { sink, schema, issues } = overheard(place.sink)
  const letters = memorySink()
  const samples = samplesOf(sets, from)
  try {
    await runPipeline({
      name: `${from.name} to ${to.name}`,
      source,
      sink,
      state: memoryStateStore(),
      deadLetters: letters,
      maxRejected: samples.length,
    })
  } catch (error) {
    if (!DroverError.isInstance(error, 'FIDELITY_LOSS')) throw error
    return { issues: new Map(issues().map((issue) => [issue.field, issue])), cells: new Map() }
  }
  const refused = new Set(letters.store.rows.map(({ key }) => idIn(String((key as unknown[])[0]))))
  return { issues: new Map(), cells: cellsOf(sets, samples, refused, await place.contents(schema())) }
}

/** Keys of Redis have something in front of it: `records 1:17`. */
function idIn(key: string): number {
  return Number(key.slice(key.lastIndexOf(':') + 1))
}

function cellsOf(
  sets: readonly NamedSet[],
  samples: readonly Sample[],
  refused: ReadonlySet<number>,
  arrived: readonly Row[],
): Map<string, Cell> {
  const rows = new Map<number, Row>()
  const twice: number[] = []
  for (const row of arrived) {
    if (rows.has(row.id as number)) twice.push(row.id as number)
    rows.set(row.id as number, row)
  }
  return new Map(
    sets.map((set) => {
      const own = samples.filter((sample) => sample.set === set)
      let exact = 0
      let left = 0
      const forms = new Map<string, number>()
      const wrong: string[] = own.filter(({ id }) => twice.includes(id)).map(({ id }) => `record ${id} came twice`)
      for (const { id, value } of own) {
        const row = rows.get(id)
        if (refused.has(id)) {
          left++
          if (row !== undefined) wrong.push(`record ${id} was refused, and is there`)
          continue
        }
        if (row === undefined) {
          wrong.push(`${shown(value)} is missing`)
          continue
        }
        const form = formOf(value, row[set.name], set.type)
        if (form === null) wrong.push(`${shown(value)} arrived as ${shown(row[set.name])}`)
        else if (form === '') exact++
        else forms.set(form, (forms.get(form) ?? 0) + 1)
        const other = sets.find(({ name }) => name !== set.name && (row[name] ?? null) !== null)
        if (other !== undefined) wrong.push(`${shown(value)}: ${other.name} is not null`)
      }
      return [set.name, { exact, forms, refused: left, wrong }]
    }),
  )
}

function shown(value: unknown): string {
  const text = typeof value === 'bigint' ? `${value}n` : value instanceof Uint8Array ? `bytes(${value})` : undefined
  return (
    text ??
    JSON.stringify(value, (_, held: unknown) => (typeof held === 'bigint' ? `${held}n` : held))?.slice(0, 120) ??
    String(value)
  )
}
