/** The same object with some of its members replaced or added; all others are its own, whatever the contract gets. */
export function overriding<S extends object>(own: S, members: Partial<S>): S {
  return new Proxy(own, {
    get(target, name) {
      if (Object.hasOwn(members, name)) return members[name as keyof S]
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
