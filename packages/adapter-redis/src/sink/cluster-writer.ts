import { type AckSession, type Batch, DroverError, type Operation, type Outcome, type Row } from '@drover/core'
import type { Reply } from '../connection/raw-command.js'
import { isAnswer, redisError } from '../errors/redis-error.js'
import { textOf } from '../state/positions.js'
import { KeyDraft, type KeyScriptCall } from './key-draft.js'
import { keyScript } from './key-script.js'
import { samplesOf } from './script-parts.js'
import { TargetSession } from './target-session.js'

/**
 * Writes keys all over a cluster, each by a script of its own: a key is there as a whole or not at all, and is the same when its record is written
 * again.
 */
export class ClusterWriter extends TargetSession implements AckSession<Row> {
  async write(batch: Batch<Row>, { signal }: Operation): Promise<Outcome> {
    const draft = new KeyDraft(this.target.drafting())
    for await (const page of batch) {
      signal.throwIfAborted()
      draft.add(page)
    }
    signal.throwIfAborted()
    draft.check()
    const counts = { inserted: 0, updated: 0, skipped: draft.lapsed }
    const refused: (readonly [row: number, key: number])[] = []
    const keys = draft.keys.list()
    const names = [...draft.names, ...(this.target.policy === 'update' ? ['UNLINK'] : [])]
    if (keys[0] !== undefined) await this.rights.check(names, keys[0], { signal })
    const samples = samplesOf(names)
    for (const calls of draft.rounds) {
      const outcomes = await this.#run(calls, keys, samples)
      calls.forEach(({ row, number }, i) => {
        const outcome = outcomes[i]
        if (outcome === 'inserted' || outcome === 'updated' || outcome === 'skipped') counts[outcome]++
        else refused.push([row, number])
      })
      signal.throwIfAborted()
    }
    if (refused.length > 0) throw draft.refusalOf(refused, isNoHash)
    this.lapsed += draft.lapsed
    return counts
  }

  async #run(
    calls: readonly KeyScriptCall[],
    keys: readonly Buffer[],
    samples: string,
  ): Promise<(string | undefined)[]> {
    const doing = `writing keys to ${this.target.where}`
    const send = (name: string, script: string, some: readonly KeyScriptCall[]): Promise<Reply[]> =>
      this.connection.pipeline(
        doing,
        some.map(({ number, args }) => {
          const key = keys[number] as Buffer
          return { key, command: [name, script, 1, key, this.target.policy, samples, ...args] }
        }),
      )
    const replies = await send('EVALSHA', keyScript.digest, calls)
    const unknown = replies.flatMap((reply, i) => (isAnswer(reply) && reply.message.startsWith('NOSCRIPT') ? [i] : []))
    if (unknown.length > 0) {
      const again = await send(
        'EVAL',
        keyScript.text,
        unknown.map((i) => calls[i] as KeyScriptCall),
      )
      unknown.forEach((place, i) => {
        replies[place] = again[i] ?? null
      })
    }
    return replies.map((reply) => {
      if (reply instanceof Error) throw redisError(reply, `${doing} on ${this.connection.name}`)
      if (Array.isArray(reply)) throw this.#denied(textOf(reply[1]))
      return textOf(reply)
    })
  }

  #denied(command: string | undefined): DroverError {
    return new DroverError(
      'STORE_DENIED',
      `${this.target.where}: the user may not run ${command} any more, so keys of this batch were left as they were. Grant it with ACL SETUSER, and run again: they are written then.`,
    )
  }
}

/** What a key that takes no fields is told to be. */
export const isNoHash = "is no hash, so nothing can be merged into it. onConflict: 'update' replaces it."
