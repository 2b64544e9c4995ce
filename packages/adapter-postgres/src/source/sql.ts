/** All of the conditions; `true` if there are none. Values stand in them as literals, because COPY takes no parameters. */
export function allOfSql(conditions: readonly (string | null | undefined)[]): string {
  const given = conditions.filter((condition) => condition !== null && condition !== undefined)
  return given.map((sql) => `(${sql})`).join(' AND ') || 'true'
}
