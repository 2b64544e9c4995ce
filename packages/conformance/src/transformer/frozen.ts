/** Freezes plain objects and arrays to the bottom. Bytes and dates cannot be frozen. */
export function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const held of Object.values(value)) frozen(held)
  return value
}
