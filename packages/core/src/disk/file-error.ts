import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ErrorCode } from '../errors/codes.js'
import { DroverError } from '../errors/drover-error.js'

interface Meaning {
  readonly code: ErrorCode
  readonly remedy: string
  readonly isRetryable?: boolean
}

const meanings: Readonly<Record<string, Meaning>> = {
  ENOSPC: { code: 'STORE_FULL', remedy: 'the disk is full: make room and call again' },
  EDQUOT: { code: 'STORE_FULL', remedy: 'the quota is used up: make room and call again' },
  EACCES: { code: 'STORE_DENIED', remedy: 'this user may not do that: grant it the rights, or name another place' },
  EPERM: { code: 'STORE_DENIED', remedy: 'this user may not do that: grant it the rights, or name another place' },
  EROFS: { code: 'STORE_DENIED', remedy: 'the file system is read-only: name another place' },
  EMFILE: { code: 'STORE_UNAVAILABLE', remedy: 'this process has too many files open', isRetryable: true },
  ENFILE: { code: 'STORE_UNAVAILABLE', remedy: 'the system has too many files open', isRetryable: true },
  EBUSY: { code: 'STORE_UNAVAILABLE', remedy: 'another program holds it', isRetryable: true },
  EAGAIN: { code: 'STORE_UNAVAILABLE', remedy: 'the system asks to try again', isRetryable: true },
  EIO: { code: 'STORE_UNAVAILABLE', remedy: 'the disk reports an error: look at it before you call again' },
  ESTALE: { code: 'STORE_UNAVAILABLE', remedy: 'the network file system lost it', isRetryable: true },
  // What is in the way may be all that its owner has: nobody is told to remove it.
  ENOTDIR: { code: 'STATE_INVALID', remedy: 'a file is where a folder should be: name another path, or move it away' },
  EISDIR: { code: 'STATE_INVALID', remedy: 'a folder is where a file should be: name another path, or move it away' },
  EEXIST: { code: 'STATE_INVALID', remedy: 'a file is where a folder should be: name another path, or move it away' },
  ENAMETOOLONG: { code: 'OPTION_INVALID', remedy: 'the path is too long: name a place with a shorter one' },
}

/** Of a folder that is made in one that is there: `/proc` answers so, and so do folders that were removed meanwhile. */
const noFolders: Meaning = {
  code: 'STORE_DENIED',
  remedy: 'the folder above it takes none: name another place',
}

/** The system's code of an error, such as `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

/** An error of the file system as one of ours: `doing` says what failed and with which file. */
export function fileError(error: unknown, doing: string): DroverError {
  if (DroverError.isInstance(error)) return error
  const code = systemCode(error)
  const { syscall } = Object(error) as { readonly syscall?: unknown }
  const meaning = code === undefined ? undefined : code === 'ENOENT' && syscall === 'mkdir' ? noFolders : meanings[code]
  if (meaning === undefined) return DroverError.from(error, doing)
  // Of a rename it is the new name that somebody knows.
  const { path: from, dest: path = from } = error as NodeJS.ErrnoException & { readonly dest?: string }
  const file = code === 'ENOTDIR' || code === 'EEXIST' ? fileInTheWay(path) : undefined
  const { isRetryable = false } = meaning
  const remedy =
    file === undefined
      ? meaning.remedy
      : `${file} is a file, and a folder is needed there: name another path, or move the file away`
  const where = path === undefined ? code : `${code}, ${path}`
  return new DroverError(meaning.code, `${doing}: ${remedy} (${where}).`, { cause: error, isRetryable })
}

/** The system names the folder that could not be made, and not the file above it that is why. */
function fileInTheWay(path: string | undefined): string | undefined {
  for (let at = path; at !== undefined; at = dirname(at) === at ? undefined : dirname(at)) {
    try {
      return statSync(at).isDirectory() ? undefined : at
    } catch {
      // There is nothing: what is in the way stands above it.
    }
  }
  return undefined
}
