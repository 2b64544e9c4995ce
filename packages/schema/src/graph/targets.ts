import { DroverError, suggestNames } from '@drover/core'
import type { RevisionGraph } from './revision-graph.js'

type Applied = ReadonlySet<string>

/** What a target means: one revision, all heads, or `base`, which is before all. */
export function resolveTarget(graph: RevisionGraph, target: string, applied: Applied): readonly string[] {
  if (target === 'base') return []
  if (target === 'heads') return graph.heads
  if (target === 'head') return onlyHead(graph)
  const relative = /^([+-])(\d+)$/.exec(target)
  if (relative !== null) {
    const [, sign, count] = relative
    const steps = Number(count)
    const current = currentRevision(graph, applied, target)
    return atOrBase(sign === '+' ? walkUp(graph, current, steps, target) : walkDown(graph, current, steps, target))
  }
  const exact = graph.has(target) ? target : undefined
  const counted = exact === undefined ? /^(.+)([+-])(\d+)$/.exec(target) : null
  if (counted === null) return [exact ?? byBeginning(graph, target)]
  const [, start = '', sign, count] = counted
  // `head-1`, `base+2`, `003+1`; an unknown name before the number is told as it was written.
  const from =
    start === 'base' ? null : start === 'head' ? (onlyHead(graph)[0] ?? null) : byBeginning(graph, start, target)
  return atOrBase(
    sign === '+' ? walkUp(graph, from, Number(count), target) : walkDown(graph, from, Number(count), target),
  )
}

/** What has to be applied, in order, to have the target and all that it depends on. */
export function pathUp(graph: RevisionGraph, target: string, applied: Applied): readonly string[] {
  if (/^-\d+$/.test(target))
    throw new DroverError(
      'OPTION_INVALID',
      `up ${target}: up goes forward. Take +${target.slice(1)}, or down ${target}.`,
    )
  if (target === 'base')
    throw new DroverError(
      'OPTION_INVALID',
      'up base: before the first revision there is nothing to apply. Take down base.',
    )
  const wanted = graph.withAncestors(resolveTarget(graph, target, applied))
  return graph.sorted([...wanted].filter((id) => !applied.has(id)))
}

/** What has to be taken back, in order, to be at the target: all that depends on it, what depends on others first. */
export function pathDown(graph: RevisionGraph, target: string, applied: Applied): readonly string[] {
  if (/^\+\d+$/.test(target))
    throw new DroverError(
      'OPTION_INVALID',
      `down ${target}: down goes back. Take -${target.slice(1)}, or up ${target}.`,
    )
  const stays = resolveTarget(graph, target, applied)
  if (stays.length === 0) return graph.sorted(applied).toReversed()
  const missing = stays.filter((id) => !applied.has(id))
  if (missing.length > 0) {
    const current = graph.headsOf(applied)
    throw new DroverError(
      'OPTION_INVALID',
      `down ${target}: ${missing.join(', ')} is not applied, so there is no way back to it. The database is at ${current.join(', ') || 'base'}.`,
    )
  }
  const goes = graph.withDescendants(stays)
  for (const id of stays) goes.delete(id)
  return graph.sorted([...goes].filter((id) => applied.has(id))).toReversed()
}

/** What is applied after the database was said to be at the target: other branches stay as they are. */
export function stampedAt(graph: RevisionGraph, target: string, applied: Applied): ReadonlySet<string> {
  const at = resolveTarget(graph, target, applied)
  if (at.length === 0) return new Set()
  const stays = graph.withAncestors(at)
  const above = graph.withDescendants(at)
  for (const id of graph.sorted(applied)) if (!above.has(id)) stays.add(id)
  return stays
}

function atOrBase(id: string | null): readonly string[] {
  return id === null ? [] : [id]
}

/** Empty if there are no revisions at all. */
function onlyHead(graph: RevisionGraph): readonly string[] {
  const { heads } = graph
  if (heads.length <= 1) return heads
  throw ambiguous(
    `There are several heads: ${heads.join(', ')}. Name one of them, or take "heads" for all; a revision that depends on all of them makes one of them (drover schema merge).`,
  )
}

/** Null is base. */
function currentRevision(graph: RevisionGraph, applied: Applied, target: string): string | null {
  const heads = graph.headsOf(applied)
  if (heads.length <= 1) return heads[0] ?? null
  throw ambiguous(
    `"${target}" counts from where the database is, and it is at several revisions: ${heads.join(', ')}. Name the revision to go to, or count from one: "${heads[0]}${target}".`,
  )
}

function walkUp(graph: RevisionGraph, from: string | null, steps: number, target: string): string | null {
  let at = from
  for (let step = 0; step < steps; step++) {
    const next = at === null ? graph.roots : graph.children(at)
    const [only, ...others] = next
    if (only === undefined)
      throw unknown(`"${target}" goes beyond the last revision: behind ${at ?? 'base'} there is none. Take "head".`)
    if (others.length > 0)
      throw ambiguous(
        `"${target}" is ambiguous: behind ${at ?? 'base'} there are ${next.join(', ')}. Name the one to go to.`,
      )
    at = only
  }
  return at
}

function walkDown(graph: RevisionGraph, from: string | null, steps: number, target: string): string | null {
  let at = from
  for (let step = 0; step < steps; step++) {
    if (at === null) throw unknown(`"${target}" goes beyond the first revision. Take "base".`)
    const parents = graph.parents(at)
    if (parents.length > 1) {
      throw ambiguous(
        `"${target}" is ambiguous: ${at} merges ${parents.join(' and ')}. Name the revision to go back to: each of these leaves the other branch as it is.`,
      )
    }
    at = parents[0] ?? null
  }
  return at
}

/** @param shown What was asked for, as it was written. */
function byBeginning(graph: RevisionGraph, text: string, shown = text): string {
  if (graph.has(text)) return text
  const found = graph.ids.filter((id) => id.startsWith(text))
  const [only, ...others] = found
  if (only === undefined) throw unknown(`There is no revision ${shown}${suggestNames(text, graph.ids)}`)
  if (others.length > 0)
    throw ambiguous(`"${shown}" is the beginning of several revisions: ${found.join(', ')}. Write more of it.`)
  return only
}

function ambiguous(message: string): DroverError {
  return new DroverError('REVISION_AMBIGUOUS', message)
}

function unknown(message: string): DroverError {
  return new DroverError('REVISION_UNKNOWN', message)
}
