import { checkTransformer } from '@drover/conformance/transformer'
import { from, memorySink, memorySource, memoryStateStore, runPipeline } from '@drover/core'
import { expect, it } from 'vitest'
import { guessingService } from './guessing-service.js'
import { type LanguageService, type MessageWithLanguage, withLanguage } from './language.js'
import type { Message } from './message.js'
import { type SpokenMessage, withSpeaker } from './speaker.js'

const records: readonly Message[] = [
  { id: 1, call_id: 'a', role: 'user', content: 'please confirm the viewing' },
  { id: 2, call_id: 'a', role: 'assistant', content: '東京' },
  { id: 3, call_id: 'a', role: 'debug', content: '' },
]

const spokenMessage = (id: number): SpokenMessage => ({
  id,
  call_id: 'a',
  role: 'user',
  content: String(id),
  speaker: 'caller',
})

it('withSpeaker names who speaks and leaves the others out', async () => {
  expect(await checkTransformer(withSpeaker, { records })).toMatchObject([
    { speaker: 'caller' },
    { speaker: 'agent' },
    null,
  ])
})

it('withLanguage answers alike for one record and for many', async () => {
  const spoken = records.map((message): SpokenMessage => ({ ...message, speaker: 'caller' }))
  const languages = await checkTransformer(withLanguage(guessingService), { records: spoken })
  expect(languages).toMatchObject([{ language: 'en' }, { language: 'ja' }, { language: 'unknown' }])
})

it('keeps the order, with four calls under way at the most', async () => {
  let underWay = 0
  let most = 0
  const answers: (() => void)[] = []
  const service: LanguageService = {
    async detect(texts) {
      most = Math.max(most, ++underWay)
      // The last call that is under way is answered first.
      await new Promise<void>((resolve) => {
        answers.push(resolve)
        setImmediate(() => answers.pop()?.())
      })
      underWay--
      return texts.map((text) => `language of ${text}`)
    },
  }
  const messages = Array.from({ length: 2_000 }, (_, i) => spokenMessage(i))
  const sink = memorySink<MessageWithLanguage>()
  await runPipeline({
    name: 'languages',
    source: from(memorySource({ records: messages, key: 'id', partitions: 8 })).pipe(withLanguage(service)),
    sink,
    state: memoryStateStore(),
    parallel: 8,
    batchSize: 20,
  })
  expect(most).toBe(4)
  expect(sink.store.rows.toSorted((a, b) => a.id - b.id)).toEqual(
    messages.map((message) => ({ ...message, language: `language of ${message.content}` })),
  )
})
