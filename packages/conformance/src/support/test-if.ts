import { test } from 'vitest'

type Declare = (name: string, body: () => Promise<void>) => void

/** `test` where a harness declares what is tested; else nothing: what an adapter cannot do is no skipped test. */
export function testIf(declared: boolean): Declare {
  return declared ? test : () => {}
}
