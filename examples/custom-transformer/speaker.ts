import { transformer } from '@drover/core'
import type { Message } from './message.js'

export interface SpokenMessage extends Message {
  speaker: string
}

const speakers: Readonly<Record<string, string>> = { user: 'caller', assistant: 'agent' }

/**
 * Says who speaks, and leaves out what nobody said aloud. The traits make it more than a function: reports and dead letters
 * name it, and a run that version 1 began is not continued with version 2 unknowingly.
 */
export const withSpeaker = transformer({
  name: 'withSpeaker',
  version: '1',
  reads: ['role'],
  writes: ['speaker'],
  transform: (message: Message): SpokenMessage | null => {
    const speaker = speakers[message.role]
    return speaker === undefined ? null : { ...message, speaker }
  },
})
