/** An object of the answer that stands for what JSON has no form for. */
export type Tag = { readonly $type: string } & Readonly<Record<string, unknown>>

/** `builtins` is left out of names, as Python does when it shows them. */
export function typeName(module: string, name: string): string {
  return module === 'builtins' || module === '' ? name : `${module}.${name}`
}

export function bytesTag(type: 'bytes' | 'bytearray' | 'Uint8Array', bytes: Uint8Array): Tag {
  return { $type: type, base64: base64Of(bytes) }
}

/** A float that JSON has no digits for. */
export function floatTag(value: number): Tag {
  return { $type: 'float', value: Object.is(value, -0) ? '-0.0' : String(value) }
}

/** A map that is no object of JSON: by keys that are no texts, or by names that would be taken for tags. */
export function dictTag(items: readonly (readonly [unknown, unknown])[]): Tag {
  return { $type: 'dict', items }
}

/** An object of its type's name and its fields; where a field would be taken for a tag, they stand apart. */
export function fieldsTag(type: string, fields: object): Tag {
  for (const name of Object.keys(fields)) if (name.charCodeAt(0) === 0x24) return { $type: type, fields }
  return { $type: type, ...fields }
}

/** Whether an object of the data could be taken for a tag of ours. */
export function looksTagged(object: object): boolean {
  return Object.hasOwn(object, '$type') || Object.hasOwn(object, '$opaque')
}

export function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
