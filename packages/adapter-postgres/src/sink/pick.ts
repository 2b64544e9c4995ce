/** Those of the options that were given. */
export function pick<T extends object, N extends keyof T>(options: T, names: readonly N[]): Pick<T, N> {
  const given = names.filter((name) => options[name] !== undefined)
  return Object.fromEntries(given.map((name) => [name, options[name]])) as Pick<T, N>
}
