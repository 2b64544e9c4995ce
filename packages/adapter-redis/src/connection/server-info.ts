import { setTimeout as wait } from 'node:timers/promises'
import { DroverError } from '@drover/core'
import { isAnswer, redisError } from '../errors/redis-error.js'
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

const loadingPatienceMs = 10_000
const loadingPauseMs = 100

/**
 * Asks a server what it is, once it has its data: one that was just started answers before.
 *
 * @throws DroverError
 */
export async function greetLoaded(node: RedisNode, signal: AbortSignal): Promise<Greeting> {
  const until = performance.now() + loadingPatienceMs
  for (;;) {
    const greeting = await greet(node)
    const { refusal } = greeting
    if (refusal === undefined) return greeting
    if (!refusal.message.startsWith('LOADING') || performance.now() > until) {
      throw redisError(refusal, `connecting to ${node.name}`)
    }
    try {
      await wait(loadingPauseMs, undefined, { signal })
    } catch {
      throw DroverError.from(signal.reason, 'the work was given up', 'ABORTED')
    }
  }
}

/** Asks a server what it is. A user may lack the right to most of it: then the little that is left has to do. */
async function greet(node: RedisNode): Promise<Greeting> {
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

/** What can be relied on where several servers are one store. */
export function oldestOf(servers: readonly ServerInfo[]): ServerInfo {
  const [first = oldest, ...others] = servers.map(({ version }) => version)
  const least = others.reduce((a, b) => (compareVersions(a, b) <= 0 ? a : b), first)
  return { version: least, hasJson: servers.every(({ hasJson }) => hasJson) }
}

function compareVersions(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((part, index) => part !== (b[index] ?? 0))
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0)
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
