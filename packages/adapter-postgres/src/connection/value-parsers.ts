type Parser = (text: string) => unknown

const integer: Parser = (text) => {
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : BigInt(text)
}
const float: Parser = (text) => (text === 'NaN' ? Number.NaN : Number(text))

/** By oid of the type: https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat */
const parsers = new Map<number, Parser>([
  [16, (text) => text === 't'], // bool
  [17, (text) => new Uint8Array(Buffer.from(text.slice(2), 'hex'))], // bytea
  [20, integer], // int8
  [21, Number], // int2
  [23, Number], // int4
  [26, Number], // oid
  [114, (text) => JSON.parse(text)], // json
  [700, float], // float4
  [701, float], // float8
  [3802, (text) => JSON.parse(text)], // jsonb
])

/**
 * How results of our own statements are read. Not as pg does, because every application changes that for the whole process
 * with `pg.types.setTypeParser`. What is not listed is text.
 */
export const valueParsers = {
  getTypeParser: (oid: number): Parser => parsers.get(oid) ?? String,
}
