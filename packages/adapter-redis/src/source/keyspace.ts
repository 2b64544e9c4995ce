/** What a server says of one of its databases. */
export interface Keyspace {
  readonly database: number
  readonly keys: number
  /** Keys that expire. */
  readonly expires: number
  /** Hashes with fields that expire by themselves; Redis 7.4 and later. */
  readonly subexpiry: number
}

/** Reads `INFO keyspace`: `db0:keys=12,expires=3,avg_ttl=0,subexpiry=1`. Databases without keys are not in it. */
export function keyspaces(info: Buffer): Keyspace[] {
  return [...info.toString('latin1').matchAll(/^db(\d+):(.*)$/gm)].map(([, database, said = '']) => {
    const number = (name: string): number => Number(new RegExp(`\\b${name}=(\\d+)`).exec(said)?.[1] ?? 0)
    return {
      database: Number(database),
      keys: number('keys'),
      expires: number('expires'),
      subexpiry: number('subexpiry'),
    }
  })
}
