import { setTimeout as wait } from 'node:timers/promises'
import type { LanguageService } from './language.js'

/** Stands in for a service in the network: answers after a moment, and guesses by a few letters and words. */
export const guessingService: LanguageService = {
  async detect(texts, { signal }) {
    await wait(5, undefined, { signal })
    return texts.map(guess)
  },
}

function guess(text: string): string {
  if (/\p{Script=Han}/u.test(text)) return 'ja'
  if (/größer/.test(text)) return 'de'
  return /\b(the|and|please)\b/.test(text) ? 'en' : 'unknown'
}
