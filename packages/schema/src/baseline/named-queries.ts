import { readFile } from 'node:fs/promises'
import { DroverError, inputError } from '@drover/core'
import type { Dialect } from '../contracts/migration.js'
import { statementKind } from '../sql/statement-kind.js'
import { statementsOf } from '../sql/tokens.js'

export interface NamedQuery {
  readonly name: string
  readonly sql: string
}

const heading = /^--\s*name:\s*(\S+).*$/gim

/**
 * Reads a file of queries, each below a line `-- name: recent_calls`.
 *
 * @throws `OPTION_INVALID` if one of them is not exactly one statement that reads, `SOURCE_NOT_FOUND`
 */
export async function readQueries(path: string, dialect: Dialect): Promise<readonly NamedQuery[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw inputError(error, path)
  })
  const headings = [...text.matchAll(heading)]
  const invalid = (what: string): DroverError => new DroverError('OPTION_INVALID', `${path}: ${what}.`)
  if (headings.length === 0) throw invalid('there is no line "-- name: …" with a query below it')
  const names = new Set<string>()
  return headings.map(({ 0: line, 1: name = '', index }, at) => {
    if (names.has(name)) throw invalid(`two queries have the name ${name}`)
    names.add(name)
    const [sql, ...more] = statementsOf(text.slice(index + line.length, headings[at + 1]?.index), dialect)
    if (sql === undefined) throw invalid(`there is no query below the name ${name}`)
    if (more.length > 0) throw invalid(`there are several statements below the name ${name}`)
    if (statementKind(sql, dialect).kind !== 'read') throw invalid(`${name} does not only read`)
    return { name, sql }
  })
}
