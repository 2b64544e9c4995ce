import { Writable } from 'node:stream'
import { DroverError } from '@drover/core'
import { expect, test } from 'vitest'
import { UsageError } from '../exit-codes.js'
import type { OutputStream } from './surroundings.js'
import { Voice } from './voice.js'

/** A stream that keeps what is written to it; with colours, a terminal. */
class Heard extends Writable {
  text = ''

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

function stream(colors?: boolean): OutputStream & { text: string } {
  const heard = new Heard()
  return colors === undefined ? heard : Object.assign(heard, { isTTY: true, hasColors: () => colors })
}

function voice(isJson = false, colors?: boolean) {
  const [stdout, stderr] = [stream(colors), stream(colors)]
  return { voice: new Voice({ stdout, stderr }, isJson), stdout, stderr }
}

test.each([
  ['a terminal with colours', true, '\r\u001b[2K\u001b[31mdrover: failed:\u001b[39m STORE_FULL: full\n'],
  ['a terminal without, as with NO_COLOR', false, '\r\u001b[2Kdrover: failed: STORE_FULL: full\n'],
  ['no terminal', undefined, 'drover: failed: STORE_FULL: full\n'],
])('a failure on %s', (_, colors, expected) => {
  const heard = voice(false, colors)
  heard.voice.fail(new DroverError('STORE_FULL', 'full'))
  expect([heard.stderr.text, heard.stdout.text]).toEqual([expected, ''])
})

test('what the user has to mend is no failure; secrets in it are hidden', () => {
  const heard = voice(true)
  heard.voice.fail(new UsageError(new Error('cannot reach postgres://a:hunter2@db')))
  expect(heard.stderr.text).toBe('drover: UNEXPECTED: drover failed: cannot reach postgres://***@db\n')
  expect(JSON.parse(heard.stdout.text)).toMatchObject({ code: 'UNEXPECTED', usage: true })
})

test('JSON holds what events hold', () => {
  const heard = voice(true)
  heard.voice.tell('text', { small: 5n, large: 2n ** 60n, at: new Date(0), none: undefined })
  expect(heard.stdout.text).toBe('{"small":5,"large":"1152921504606846976","at":"1970-01-01T00:00:00.000Z"}\n')
})
