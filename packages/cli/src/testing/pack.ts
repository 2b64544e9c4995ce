/** A value of a type of its own in msgpack: https://github.com/msgpack/msgpack/blob/master/spec.md */
export class Extension {
  constructor(
    readonly type: number,
    readonly content: unknown,
  ) {}
}

/** As little of msgpack as tests need: texts, small integers, lists, objects and extensions. */
export function pack(value: unknown): Buffer {
  if (value === null) return Buffer.from([0xc0])
  if (typeof value === 'number' && value >= 0 && value < 128) return Buffer.from([value])
  if (typeof value === 'string') {
    const text = Buffer.from(value)
    return Buffer.concat([Buffer.from([0xda, text.length >> 8, text.length & 255]), text])
  }
  if (value instanceof Extension) {
    const content = pack(value.content)
    return Buffer.concat([Buffer.from([0xc8, content.length >> 8, content.length & 255, value.type]), content])
  }
  if (Array.isArray(value)) return Buffer.concat([Buffer.from([0xdc, 0, value.length]), ...value.map(pack)])
  const entries = Object.entries(value as object)
  return Buffer.concat([Buffer.from([0xde, 0, entries.length]), ...entries.flatMap(([k, v]) => [pack(k), pack(v)])])
}
