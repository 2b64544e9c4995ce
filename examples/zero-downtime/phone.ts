/** The number as E.164 has it, from what people write: `(555) 010-1234` is `+15550101234`. */
export function e164(written: string): string {
  const number = written.replace(/[() .-]/g, '')
  return number.startsWith('+') ? number : `+1${number}`
}

/** The same as SQL over a column. */
export function e164Sql(column: string): string {
  const number = [...'() .-'].reduce((sql, character) => `replace(${sql}, '${character}', '')`, column)
  return `CASE WHEN ${column} LIKE '+%' THEN ${number} ELSE '+1' || ${number} END`
}
