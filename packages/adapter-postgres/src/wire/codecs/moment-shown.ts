import { readLatin1 } from '../native-text.js'
import { dateText, type Moment, microsPerSecond, timeText } from './calendar.js'

const zero = 0x30
const secondsEnd = 19
const fractionEnd = 26
/** `2024-01-31T12:00:00.123456Z`, digit by digit: twice as fast as joining strings, which are flattened later. */
const scratch = Buffer.from('0000-00-00T00:00:00.000000Z')
let scratchDay = Number.NaN

/** `2024-01-31T12:00:00.5Z`, `0044-03-15T00:00:00 BC`; Z if it has a zone. */
export function shownMoment({ day, micros }: Moment, hasZone: boolean): string {
  if (day !== scratchDay) {
    const { text, era } = dateText(day)
    if (text.length !== 10 || era !== '') return `${text}T${timeText(micros)}${hasZone ? 'Z' : ''}${era}`
    scratch.write(text, 0, 'latin1')
    scratchDay = day
  }
  const allSeconds = Math.floor(micros / microsPerSecond)
  const hour = Math.floor(allSeconds / 3600)
  const inHour = allSeconds - hour * 3600
  const minute = (inHour / 60) | 0
  writeTwo(11, hour)
  writeTwo(14, minute)
  writeTwo(17, inHour - minute * 60)
  const end = writeFraction(micros - allSeconds * microsPerSecond)
  if (!hasZone) return readLatin1(scratch, 0, end)
  const covered = scratch[end] as number
  scratch[end] = 0x5a
  const shown = readLatin1(scratch, 0, end + 1)
  scratch[end] = covered
  return shown
}

function writeTwo(at: number, value: number): void {
  const tens = (value / 10) | 0
  scratch[at] = zero + tens
  scratch[at + 1] = zero + value - tens * 10
}

/** Gives where the text ends: without zeros at the end, and without a point if there is nothing else. */
function writeFraction(micros: number): number {
  if (micros === 0) return secondsEnd
  let end = secondsEnd
  let rest = micros
  for (let i = fractionEnd - 1; i > secondsEnd; i--) {
    const next = (rest / 10) | 0
    const digit = rest - next * 10
    rest = next
    scratch[i] = zero + digit
    if (digit !== 0 && end === secondsEnd) end = i + 1
  }
  return end
}
