import { type NamedTransformer, transformer } from '@drover/core'
import type { SpokenMessage } from './speaker.js'

export interface MessageWithLanguage extends SpokenMessage {
  language: string
}

/** A service that is asked about many texts at once: a model, an API. */
export interface LanguageService {
  detect(texts: readonly string[], options: { signal: AbortSignal }): Promise<readonly string[]>
}

/**
 * Adds the language of each message. A call asks about all messages of a page, four calls are under way at once at the most,
 * over all partitions, and the order of the messages stays. A call that takes longer than ten seconds rejects its records.
 */
export function withLanguage(service: LanguageService): NamedTransformer<SpokenMessage, MessageWithLanguage> {
  return transformer({
    name: 'withLanguage',
    version: '1',
    reads: ['content'],
    writes: ['language'],
    concurrency: 4,
    timeoutMs: 10_000,
    transformBatch: async (messages: readonly SpokenMessage[], { signal }) => {
      const texts = messages.map(({ content }) => content)
      const languages = await service.detect(texts, { signal })
      return messages.map((message, i) => ({ ...message, language: languages[i] ?? 'unknown' }))
    },
  })
}
