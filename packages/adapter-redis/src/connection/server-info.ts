import { isAnswer } from '../errors/redis-error.js'
import type { Reply } from './raw-command.js'
import type { ServerInfo } from './redis-connection.js'
import type { RedisNode } from './redis-node.js'

/** What a server says when it is greeted. */
export interface Greeting extends ServerInfo {
  readonly mode: 'standalone' | 'cluster' | 'sentinel' | undefined
  readonly isReplica: boolean
  /** What it answers to everything as long as it cannot be used: it loads its data, or a script runs. */
  readonly refusal: Error | undefined
}

/** The oldest that is served: what is known of a server that does not say. */
const oldest = [6, 2, 0]
/** What Valkey forked from. */
const ofValkey = [7, 2, 4]

/** Asks a server what it is. A user may lack the right to most of it: then the little that is left has to do. */
export async function greet(node: RedisNode): Promise<Greeting> {
  const [hello, info, json, size] = await node.pipeline('asking what it is', [
    // Every user may send it: https://redis.io/docs/latest/commands/hello/
    ['HELLO'],
    ['INFO', 'server'],
    ['COMMAND', 'INFO', 'JSON.GET'],
    ['DBSIZE'],
  ])
  const said = fieldsOf(hello)
  const lines = Buffer.isBuffer(info) ? info.toString() : ''
  const modules = said.get('modules')
  return {
    version: versionOf(/^redis_version:(\S+)/m.exec(lines)?.[1]) ?? ofHello(said) ?? oldest,
    hasJson: hasReJson(modules) || (Array.isArray(json) && Array.isArray(json[0])),
    mode: (textOf(said.get('mode')) ?? /^redis_mode:(\w+)/m.exec(lines)?.[1]) as Greeting['mode'],
    isReplica: textOf(said.get('role')) === 'replica',
    refusal: isAnswer(size) && /^(?:LOADING|BUSY|MASTERDOWN|NOAUTH)\b/.test(size.message) ? size : undefined,
  }
}

function ofHello(said: ReadonlyMap<string, Reply>): readonly number[] | undefined {
  return textOf(said.get('server')) === 'valkey' ? ofValkey : versionOf(textOf(said.get('version')))
}

function versionOf(text: string | undefined): readonly number[] | undefined {
  const [, ...parts] = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(text ?? '') ?? []
  return parts.length === 0 ? undefined : parts.map((part) => Number(part ?? 0))
}

function hasReJson(modules: Reply | undefined): boolean {
  return Array.isArray(modules) && modules.some((module) => textOf(fieldsOf(module).get('name')) === 'ReJSON')
}

/** Names and values by turns. */
export function fieldsOf(reply: Reply | undefined): ReadonlyMap<string, Reply> {
  const fields = new Map<string, Reply>()
  if (!Array.isArray(reply)) return fields
  for (let at = 0; at + 1 < reply.length; at += 2) fields.set(textOf(reply[at]) ?? '', reply[at + 1] ?? null)
  return fields
}

export function textOf(reply: Reply | undefined): string | undefined {
  return Buffer.isBuffer(reply) ? reply.toString() : undefined
}
