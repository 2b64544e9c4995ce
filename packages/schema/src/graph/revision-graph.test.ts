import { DroverError, type ErrorCode } from '@drover/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Migration } from '../contracts/migration.js'
import { RevisionGraph } from './revision-graph.js'

function revision(id: string, ...dependsOn: readonly string[]): Migration {
  return { id, dependsOn, up: () => {} }
}

function graphOf(parents: Readonly<Record<string, readonly string[]>>): RevisionGraph {
  return new RevisionGraph(Object.entries(parents).map(([id, of]) => revision(id, ...of)))
}

function ids(migrations: readonly Migration[]): string {
  return migrations.map(({ id }) => id).join(' ')
}

function failure(work: () => unknown): { readonly code: ErrorCode; readonly message: string } {
  try {
    work()
  } catch (error) {
    if (DroverError.isInstance(error)) return { code: error.code, message: error.message }
    throw error
  }
  throw new Error('it did not fail')
}

/** 1 – 2 – (3a – 4a, 3b) – 5 – 6 */
const diamond = graphOf({
  '001_base': [],
  '002_calls': ['001_base'],
  '003_left': ['002_calls'],
  '004_left': ['003_left'],
  '003_right': ['002_calls'],
  '005_merge': ['004_left', '003_right'],
  '006_end': ['005_merge'],
})
const all = new Set(diamond.ids)
const branches = graphOf({ a: [], left: ['a'], right: ['a'] })

describe('a graph of revisions', () => {
  it('refuses two revisions of one id, a parent that is not there, and a circle', () => {
    expect(failure(() => new RevisionGraph([revision('a'), revision('a')]))).toEqual({
      code: 'GRAPH_INVALID',
      message: 'Two revisions have the id a. Give one of them another one.',
    })
    expect(failure(() => graphOf({ '001_base': [], '002': ['001_bse'] }))).toMatchObject({
      code: 'GRAPH_INVALID',
      message: expect.stringContaining('depends on 001_bse, which does not exist; did you mean "001_base"?'),
    })
    expect(failure(() => graphOf({ root: [], d: ['a', 'root'], a: ['root', 'c'], b: ['a'], c: ['b'] }))).toEqual({
      code: 'GRAPH_INVALID',
      message: 'Revisions depend on each other in a circle: b → a → c → b. Take one of these dependencies away.',
    })
  })

  it('bears a history of ten thousand revisions', () => {
    const line = Array.from({ length: 10_000 }, (_, i) => revision(`r${i}`, ...(i === 0 ? [] : [`r${i - 1}`])))
    const graph = new RevisionGraph(line.toReversed())
    expect(graph.heads).toEqual(['r9999'])
    expect(graph.pathUp('head', new Set())).toHaveLength(10_000)
  })

  it('goes up to a head, a revision by its beginning, or some steps', () => {
    const none = new Set<string>()
    expect(ids(diamond.pathUp('head', none))).toBe('001_base 002_calls 003_left 004_left 003_right 005_merge 006_end')
    expect(ids(diamond.pathUp('004', none))).toBe('001_base 002_calls 003_left 004_left')
    expect(ids(diamond.pathUp('003_r', new Set(['001_base', '002_calls', '003_left'])))).toBe('003_right')
    expect(ids(diamond.pathUp('+2', none))).toBe('001_base 002_calls')
    expect(ids(diamond.pathUp('002_calls-1', none))).toBe('001_base')
    expect(ids(diamond.pathUp('004_left+1', none))).toBe('001_base 002_calls 003_left 004_left 003_right 005_merge')
    expect(ids(diamond.pathUp('head-1', none))).toBe('001_base 002_calls 003_left 004_left 003_right 005_merge')
    expect(ids(diamond.pathUp('head', all))).toBe('')
  })

  it('goes down with all that depends on what goes, in order', () => {
    expect(ids(diamond.pathDown('002_calls', all))).toBe('006_end 005_merge 003_right 004_left 003_left')
    expect(ids(diamond.pathDown('003_left', all))).toBe('006_end 005_merge 004_left')
    expect(ids(diamond.pathDown('-1', all))).toBe('006_end')
    expect(ids(diamond.pathDown('base', all))).toBe('006_end 005_merge 003_right 004_left 003_left 002_calls 001_base')
    expect(ids(diamond.pathDown('-1', new Set(['001_base'])))).toBe('001_base')
  })

  it('says what is ambiguous, and what to do', () => {
    expect(failure(() => diamond.pathDown('-2', all))).toEqual({
      code: 'REVISION_AMBIGUOUS',
      message:
        '"-2" is ambiguous: 005_merge merges 004_left and 003_right. Name the revision to go back to: each of these leaves the other branch as it is.',
    })
    expect(failure(() => branches.pathUp('head', new Set()))).toEqual({
      code: 'REVISION_AMBIGUOUS',
      message:
        'There are several heads: left, right. Name one of them, or take "heads" for all; a revision that depends on all of them makes one of them (drover schema merge).',
    })
    expect(ids(branches.pathUp('heads', new Set()))).toBe('a left right')
    expect(failure(() => branches.pathUp('+2', new Set())).message).toContain('behind a there are left, right')
    expect(failure(() => branches.pathDown('-1', new Set(branches.ids))).message).toContain(
      'at several revisions: left, right',
    )
    expect(failure(() => diamond.pathUp('003', new Set())).message).toBe(
      '"003" is the beginning of several revisions: 003_left, 003_right. Write more of it.',
    )
  })

  it('names the nearest to what there is not, and what lies beyond the ends', () => {
    expect(failure(() => diamond.pathUp('005_mrege', new Set()))).toMatchObject({
      code: 'REVISION_UNKNOWN',
      message: expect.stringContaining('did you mean "005_merge"?'),
    })
    expect(failure(() => diamond.pathUp('+1', all)).message).toContain('behind 006_end there is none')
    expect(failure(() => diamond.pathDown('-1', new Set())).message).toContain('beyond the first revision')
    expect(failure(() => diamond.pathDown('006', new Set(['001_base']))).message).toContain('006_end is not applied')
    expect(failure(() => diamond.pathDown('+1', all)).code).toBe('OPTION_INVALID')
    expect(failure(() => diamond.pathUp('-1', all)).code).toBe('OPTION_INVALID')
  })

  it('is said to be at a revision: what is above goes, other branches stay', () => {
    expect([...diamond.stampedAt('003_left', all)].sort()).toEqual(['001_base', '002_calls', '003_left', '003_right'])
    expect([...diamond.stampedAt('base', all)]).toEqual([])
    expect([...diamond.stampedAt('head', new Set())].sort()).toEqual([...all].sort())
  })

  /** Revision i depends on some before it; shuffled. */
  const histories = fc.array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 30 }).chain((drawn) => {
    const made = drawn.map((of, i) => revision(`r${i}`, ...(i === 0 ? [] : of.map((n) => `r${n % i}`))))
    return fc.shuffledSubarray(made, { minLength: made.length })
  })

  it('has every revision once, behind all that it depends on', () => {
    fc.assert(
      fc.property(histories, (migrations) => {
        const graph = new RevisionGraph(migrations)
        expect([...graph.ids].sort()).toEqual(migrations.map(({ id }) => id).sort())
        const seen = new Set<string>()
        for (const { id } of graph.order) {
          expect(graph.parents(id).every((parent) => seen.has(parent))).toBe(true)
          seen.add(id)
        }
      }),
    )
  })

  it('comes up to any revision and down to any other through states in which nothing lacks what it depends on', () => {
    fc.assert(
      fc.property(histories, fc.nat(), fc.nat(), (migrations, up, down) => {
        const graph = new RevisionGraph(migrations)
        const applied = new Set<string>()
        const isWhole = (): boolean => [...applied].every((id) => graph.parents(id).every((one) => applied.has(one)))
        const at = (n: number): string => graph.ids[n % graph.ids.length] as string
        for (const { id } of graph.pathUp(at(up), applied)) {
          expect(applied.has(id)).toBe(false)
          applied.add(id)
          expect(isWhole()).toBe(true)
        }
        expect(applied).toEqual(graph.withAncestors([at(up)]))
        for (const { id } of graph.pathUp('heads', applied)) applied.add(id)
        expect(applied.size).toBe(graph.ids.length)
        for (const { id } of graph.pathDown(at(down), applied)) {
          applied.delete(id)
          expect(isWhole()).toBe(true)
        }
        expect(applied.has(at(down))).toBe(true)
        expect(graph.children(at(down)).some((child) => applied.has(child))).toBe(false)
      }),
    )
  })

  it('finds a circle wherever one is closed', () => {
    fc.assert(
      fc.property(histories, fc.nat(), fc.nat(), (migrations, from, to) => {
        const graph = new RevisionGraph(migrations)
        const above = graph.ids[from % graph.ids.length] as string
        const below = [...graph.withAncestors([above])]
        const closing = below[to % below.length] as string
        fc.pre(closing !== above)
        const closed = migrations.map((one) =>
          one.id === closing ? revision(one.id, ...graph.parents(one.id), above) : one,
        )
        expect(failure(() => new RevisionGraph(closed))).toMatchObject({
          code: 'GRAPH_INVALID',
          message: expect.stringContaining('in a circle'),
        })
      }),
    )
  })
})
