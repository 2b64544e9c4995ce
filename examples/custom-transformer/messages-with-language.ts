import { sqliteSource } from '@drover/adapter-sqlite'
import { from, ndjsonSink, type Report, type RunOptions, runPipeline } from '@drover/core'
import { type LanguageService, withLanguage } from './language.js'
import type { Message } from './message.js'
import { withSpeaker } from './speaker.js'

export interface MessagesWithLanguageOptions extends Pick<RunOptions, 'progress' | 'recordsPerSecond'> {
  readonly filename: string
  readonly output: string
  readonly service: LanguageService
}

/** Writes the messages with their speaker and language, a line each. */
export async function messagesWithLanguage(options: MessagesWithLanguageOptions): Promise<Report> {
  const { filename, output, service, ...run } = options
  return await runPipeline({
    ...run,
    name: 'messages-with-language',
    source: from(sqliteSource<Message>({ filename, table: 'conversation_history' }))
      .pipe(withSpeaker)
      .pipe(withLanguage(service)),
    sink: ndjsonSink({ path: output }),
    batchSize: 1_000,
  })
}
