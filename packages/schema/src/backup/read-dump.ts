import { tokensOf } from '../sql/tokens.js'
import type { SequenceValue, TableContents } from './backup-manifest.js'
import { RowSum } from './contents.js'
import { eachRow, readSqlFile } from './sql-file.js'

/** What a file of SQL holds. */
export interface DumpContents {
  /** Of each COPY; a partition stands for itself. */
  readonly tables: readonly TableContents[]
  readonly sequences: readonly SequenceValue[]
  /** Its last line says so: it was not cut off behind a statement. */
  readonly isComplete: boolean
}

const setval = /SELECT pg_catalog\.setval\('((?:[^']|'')+)', (-?\d+), (true|false)\)/g

/** Reads all of a dump, without a database. @throws `BACKUP_INVALID` */
export async function readDump(file: string): Promise<DumpContents> {
  const tables: TableContents[] = []
  const sequences: SequenceValue[] = []
  let isComplete = false
  for await (const part of readSqlFile(file)) {
    isComplete = false
    if (part.kind === 'rows') {
      const sum = new RowSum()
      for await (const lines of part.rows) eachRow(lines, (row) => sum.add(row))
      tables.push(sum.contents(part.copy.table))
      continue
    }
    isComplete = /^-- PostgreSQL database dump complete$/m.test(part.text)
    for (const [, name = '', value = '', isCalled] of part.text.matchAll(setval))
      sequences.push({ name: nameIn(name), value, isCalled: isCalled === 'true' })
  }
  return { tables, sequences, isComplete }
}

/** `public."Odd_id_seq"` without its quotes. */
function nameIn(text: string): string {
  return tokensOf(text.replaceAll("''", "'"), 'postgres')
    .filter(({ kind }) => kind === 'word' || kind === 'name')
    .map(({ value }) => value)
    .join('.')
}

/** In what a dump differs from what it should hold. Of a partitioned table only its partitions are in it. */
export function problemsOf(
  { tables, sequences, isComplete }: DumpContents,
  should: { readonly tables: readonly TableContents[]; readonly sequences: readonly SequenceValue[] },
): string[] {
  if (!isComplete) return ['it was cut off: its last line is missing']
  const found = new Map(tables.map((table) => [table.name, table]))
  const values = new Map(sequences.map((each) => [each.name, each]))
  return [
    ...should.tables.flatMap(({ name, rows, sha256 }) => {
      const table = found.get(name)
      if (table === undefined || table.sha256 === sha256) return []
      return [table.rows === rows ? `${name} has other values` : `${name} has ${table.rows} rows instead of ${rows}`]
    }),
    ...should.sequences.flatMap((each) =>
      values.get(each.name)?.value === each.value ? [] : [`the sequence ${each.name} is not at ${each.value}`],
    ),
  ]
}
