import type { Filter } from '@drover/core'

/** What filters may look at in the records of the suites. */
export interface Filtered {
  readonly name: string | null
  readonly score: number | null
}

/** A filter, and by hand what it means. */
export interface FilterCase {
  readonly filter: Filter
  readonly keeps: (record: Filtered) => boolean
}

const has = <T>(value: T | null, test: (value: T) => boolean): boolean => value !== null && test(value)

/** Filters that stores and the contract understand differently, if they are passed on as they are. */
export const filterCases: readonly FilterCase[] = [
  { filter: { score: { eq: 3.125 } }, keeps: (r) => r.score === 3.125 },
  { filter: { score: { ne: 3.125 } }, keeps: (r) => has(r.score, (score) => score !== 3.125) },
  { filter: { score: { in: [0.125, 3.125, 99] } }, keeps: (r) => r.score === 0.125 || r.score === 3.125 },
  { filter: { score: { in: [] } }, keeps: () => false },
  {
    filter: { score: { nin: [0.125, 3.125] } },
    keeps: (r) => has(r.score, (score) => score !== 0.125 && score !== 3.125),
  },
  { filter: { score: { nin: [] } }, keeps: (r) => r.score !== null },
  { filter: { score: { gt: 3.125 } }, keeps: (r) => has(r.score, (score) => score > 3.125) },
  { filter: { score: { gte: 3.125, lt: 8 } }, keeps: (r) => has(r.score, (score) => score >= 3.125 && score < 8) },
  { filter: { score: { lte: 3 } }, keeps: (r) => has(r.score, (score) => score <= 3) },
  { filter: { score: { lt: 9_007_199_254_740_993n } }, keeps: (r) => r.score !== null },
  { filter: { score: { isNull: true } }, keeps: (r) => r.score === null },
  { filter: { score: { isNull: false } }, keeps: (r) => r.score !== null },
  { filter: { not: { score: { gt: 3 } } }, keeps: (r) => !has(r.score, (score) => score > 3) },
  { filter: { not: { name: { eq: 'a of 0' } } }, keeps: (r) => r.name !== 'a of 0' },
  { filter: { not: { not: { score: { lt: 3 } } } }, keeps: (r) => has(r.score, (score) => score < 3) },
  // A text is no number, and a number no text: stores that convert find more.
  { filter: { score: { eq: '3.125' } }, keeps: () => false },
  { filter: { score: { ne: '3.125' } }, keeps: (r) => r.score !== null },
  { filter: { name: { eq: 3 } }, keeps: () => false },
  { filter: { name: { eq: 'a of 0' } }, keeps: (r) => r.name === 'a of 0' },
  { filter: { name: { eq: 'A of 0' } }, keeps: (r) => r.name === 'A of 0' },
  {
    filter: { name: { in: ["' of 13", '\\ of 39', '% of 2'] } },
    keeps: (r) => ["' of 13", '\\ of 39', '% of 2'].includes(r.name ?? ''),
  },
  { filter: { name: { gte: 'a', lt: 'b' } }, keeps: (r) => has(r.name, (name) => name >= 'a' && name < 'b') },
  { filter: { name: { gt: 'z' } }, keeps: (r) => has(r.name, (name) => name > 'z') },
  { filter: { name: { like: 'a%' } }, keeps: (r) => has(r.name, (name) => name.startsWith('a')) },
  { filter: { name: { like: '\\% of _' } }, keeps: (r) => has(r.name, (name) => /^% of .$/u.test(name)) },
  { filter: { name: { like: '_ of 1_' } }, keeps: (r) => has(r.name, (name) => /^. of 1.$/u.test(name)) },
  { filter: { name: { glob: 'A*' } }, keeps: (r) => has(r.name, (name) => name.startsWith('A')) },
  { filter: { name: { glob: '[ab]* of ?' } }, keeps: (r) => has(r.name, (name) => /^[ab].* of .$/u.test(name)) },
  {
    filter: { score: { gt: 2 }, name: { isNull: false } },
    keeps: (r) => has(r.score, (score) => score > 2) && r.name !== null,
  },
  {
    filter: { and: [{ score: { gte: 1 } }, { name: { like: '%of%' } }, { not: { score: { eq: 3.125 } } }] },
    keeps: (r) => has(r.score, (score) => score >= 1 && score !== 3.125) && r.name !== null,
  },
  {
    filter: {
      or: [
        { score: { lt: 1 } },
        { name: { glob: 'b*' } },
        { and: [{ score: { isNull: true } }, { name: { isNull: true } }] },
      ],
    },
    keeps: (r) =>
      has(r.score, (score) => score < 1) ||
      has(r.name, (name) => name.startsWith('b')) ||
      (r.score === null && r.name === null),
  },
  { filter: { or: [] }, keeps: () => false },
  { filter: { and: [] }, keeps: () => true },
]
