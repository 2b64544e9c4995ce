import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

export const root = path.resolve(import.meta.dirname, '../../..')

/** A piece of code that somebody may paste out of a page. */
export interface Block {
  /** Path of the page in the repository. */
  readonly page: string
  readonly line: number
  readonly language: 'ts' | 'js'
  /** Marked with `run`: it has to end without an error in a folder that holds the sample database `chat.db`. */
  readonly isRunnable: boolean
  readonly code: string
}

const fence = /^( *)```(ts|js)( run)?\n([\s\S]*?)^\1```$/gm
/** Code in an HTML comment before a block, that the page's readers need not see: what the block takes for granted. */
const given = /<!-- given\n([\s\S]*?)\n-->\s*$/

/** The code blocks of all pages that users read. */
export function pageBlocks(): Block[] {
  return pages().flatMap((page) => blocksOf(page, readFileSync(path.join(root, page), 'utf8')))
}

/** Paths of the pages: README and docs (the decisions speak of how Drover is made), of packages and examples too. */
export function pages(): string[] {
  const inFolders = ['packages', 'examples'].flatMap((folder) =>
    filesBelow(folder).filter((file) => path.basename(file) === 'README.md'),
  )
  const docs = filesBelow('docs').filter(
    (file) => file.endsWith('.md') && !file.startsWith(path.join('docs/decisions')),
  )
  return ['README.md', ...docs, ...inFolders]
}

export function blocksOf(page: string, text: string): Block[] {
  return [...text.matchAll(fence)].map((match) => {
    const [, indent = '', language, run, body = ''] = match
    const before = text.slice(0, match.index)
    const hidden = given.exec(before)?.[1] ?? ''
    return {
      page,
      line: before.split('\n').length,
      language: language as Block['language'],
      isRunnable: run !== undefined,
      code: `${hidden}\n${body.replaceAll(new RegExp(`^${indent}`, 'gm'), '')}export {}\n`,
    }
  })
}

/** All files of a folder of the repository, as paths in it. */
export function filesBelow(folder: string): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.name !== 'node_modules' && entry.name !== 'dist')
    .flatMap((entry) => {
      const file = path.join(folder, entry.name)
      return entry.isDirectory() ? filesBelow(file) : [file]
    })
}
