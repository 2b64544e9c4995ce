import { DroverError } from '@drover/core'
import type { Given, GivenMap, Place } from './given.js'
import { parseYaml } from './yaml-file.js'

/**
 * Reads the JSON object that a flag gives. What is wrong with it is said by its place in the text, and never by what stands there: it may
 * be a password.
 *
 * @param flag With its dashes: what messages call it.
 * @throws `OPTION_INVALID`
 */
export function parseFlagJson(flag: string, text: string, env: NodeJS.ProcessEnv): GivenMap {
  refuseOther(flag, text)
  // JSON is YAML, and so variables, and names that stand there twice, are found as in a file.
  const { given } = asOption(flag, () => parseYaml(flag, text, env))
  const placed = atPointers(given, flag, '')
  if (placed.kind === 'map') return placed
  throw new DroverError('OPTION_INVALID', `${flag} takes a JSON object${example}`)
}

const example = `, in single quotes: '{"name": "value"}'`

function refuseOther(flag: string, text: string): void {
  try {
    JSON.parse(text)
  } catch (error) {
    // What V8 says besides quotes the text itself.
    const at = /at position (\d+)/.exec((error as Error).message)?.[1]
    const where = at === undefined ? 'before its end' : `at character ${Number(at) + 1} of ${text.length}`
    throw new DroverError('OPTION_INVALID', `${flag} is no JSON: it breaks off ${where}. It takes an object${example}`)
  }
}

function asOption<T>(flag: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    const { message } = DroverError.from(error, flag)
    throw new DroverError('OPTION_INVALID', message)
  }
}

/** The same with a place that a reader of a command line can find: https://www.rfc-editor.org/rfc/rfc6901 */
function atPointers(given: Given, flag: string, pointer: string): Given {
  const place: Place = { ...given.place, flag: pointer === '' ? flag : `${flag} ${pointer}` }
  switch (given.kind) {
    case 'scalar':
      return { ...given, place }
    case 'list':
      return { ...given, place, items: given.items.map((item, i) => atPointers(item, flag, `${pointer}/${i}`)) }
    case 'map': {
      const entries = [...given.entries].map(([name, { value }]) => {
        const inner = atPointers(value, flag, `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`)
        return [name, { place: inner.place, value: inner }] as const
      })
      return { ...given, place, entries: new Map(entries) }
    }
  }
}
