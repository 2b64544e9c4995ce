import { seededRandom } from './random.js'

/** A message as the agent application stores it. */
export interface Message {
  readonly id: number
  readonly call_id: string
  readonly message_order: number
  readonly role: string
  readonly content: string
  readonly agent_type: string | null
  readonly agent_state: string | null
  readonly created_at: string
}

const words =
  'the caller asks whether a smaller flat with two rooms near the river would be free in spring and what the rent includes since the present lease ends soon naïve café größer 東京 😀 please confirm viewing time budget agent transfer qualified lead follow up tomorrow morning'.split(
    ' ',
  )
const roles = ['user', 'assistant', 'assistant', 'system', 'debug'] as const
const longestConversation = 60
/** Every eighth conversation is wordy: if it is long, too, its context was pruned. */
const wordyEvery = 8

/** Messages of conversations of different lengths, the same for the same seed. */
export function* messagesOf(count: number, seed: number, until: Date): Generator<Message> {
  const random = seededRandom(seed)
  let call = 0
  let left = 0
  let order = 0
  for (let id = 1; id <= count; id++) {
    if (left === 0) {
      call++
      left = 1 + Math.floor(random() * longestConversation)
      order = 0
    }
    const at = new Date(until.getTime() - (count - id) * 60_000 - 7_200_000)
    yield {
      id,
      call_id: callId(call),
      message_order: ++order,
      role: roles[Math.floor(random() * roles.length)] as string,
      content: content(random, call % wordyEvery === 0 ? 8 : 1),
      agent_type: random() < 0.5 ? 'qualifier' : null,
      agent_state: random() < 0.2 ? JSON.stringify({ step: order, confident: random() < 0.5 }) : null,
      created_at: stamp(at),
    }
    left--
  }
}

export function callId(call: number): string {
  return `call-${String(call).padStart(6, '0')}`
}

/** As SQLAlchemy stores an instant in SQLite: `YYYY-MM-DD HH:MM:SS.ffffff`, UTC. */
export function stamp(at: Date): string {
  return `${at.toISOString().slice(0, 23).replace('T', ' ')}000`
}

/** 120 to 200 characters, or that many times more; one message in a hundred is much longer, and one in a hundred empty. */
function content(random: () => number, times: number): string {
  const kind = random()
  if (kind < 0.01) return ''
  const length = (kind > 0.99 ? 5_000 : 120 * times) + Math.floor(random() * 80 * times)
  let text = ''
  while (text.length < length) text += `${words[Math.floor(random() * words.length)]} `
  return text.trimEnd()
}
