/** The first field of a record that is not among `names` and holds something. */
export function unknownFields(record: object, names: ReadonlySet<string>): string | undefined {
  for (const name of Object.keys(record)) {
    if (!names.has(name) && (record as Record<string, unknown>)[name] !== undefined) return name
  }
  return undefined
}
