import { setImmediate as nextTurn } from 'node:timers/promises'

/** How long is worked before the event loop gets a turn. */
const sliceMs = 20

/** `items.map(make)`, with turns for the application in between. */
export async function inSlices<In, Out>(items: readonly In[], make: (item: In, place: number) => Out): Promise<Out[]> {
  const made: Out[] = []
  let since = performance.now()
  for (const [place, item] of items.entries()) {
    made.push(make(item, place))
    if (performance.now() - since < sliceMs) continue
    await nextTurn()
    since = performance.now()
  }
  return made
}
