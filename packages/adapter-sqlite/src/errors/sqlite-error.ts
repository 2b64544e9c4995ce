import { DroverError, type ErrorCode } from '@drover/core'

/** What a result code of SQLite means to the person on call: https://www.sqlite.org/rescode.html */
const meanings: Readonly<Record<string, { readonly code: ErrorCode; readonly remedy: string; readonly retry?: true }>> =
  {
    SQLITE_BUSY: {
      code: 'STORE_BUSY',
      remedy: 'Somebody else holds its lock: end that transaction, or raise busyTimeoutMs.',
      retry: true,
    },
    SQLITE_LOCKED: {
      code: 'STORE_BUSY',
      remedy: 'Somebody else holds its lock: end that transaction, or raise busyTimeoutMs.',
      retry: true,
    },
    SQLITE_FULL: { code: 'STORE_FULL', remedy: 'Make space on its disk (or raise max_page_count) and run again.' },
    SQLITE_NOTADB: { code: 'SOURCE_INVALID', remedy: 'It is no SQLite database, or an encrypted one.' },
    SQLITE_CORRUPT: { code: 'SOURCE_INVALID', remedy: 'The file is damaged: see PRAGMA integrity_check.' },
    SQLITE_FORMAT: { code: 'SOURCE_INVALID', remedy: 'It is no SQLite database.' },
    SQLITE_CANTOPEN: {
      code: 'SOURCE_NOT_FOUND',
      remedy: 'Check that the file and its folder exist and that this user may open them.',
    },
    SQLITE_READONLY: { code: 'STORE_DENIED', remedy: 'Check the rights of the file, of its folder and of the disk.' },
    SQLITE_READONLY_ROLLBACK: {
      code: 'STORE_DENIED',
      remedy:
        'A crash left a journal beside it; open it once with a program that may write, so that SQLite restores it.',
    },
    SQLITE_PERM: { code: 'STORE_DENIED', remedy: 'Check the rights of the file and of its folder.' },
    SQLITE_AUTH: { code: 'STORE_DENIED', remedy: 'Check the rights of the file and of its folder.' },
    SQLITE_CONSTRAINT: { code: 'RECORD_REFUSED', remedy: 'A record breaks a constraint.' },
    SQLITE_MISMATCH: { code: 'RECORD_REFUSED', remedy: 'A value is of a type that its column does not take.' },
    SQLITE_TOOBIG: { code: 'RECORD_REFUSED', remedy: 'A value is larger than SQLite takes (1,000,000,000 bytes).' },
    SQLITE_IOERR: { code: 'STORE_UNAVAILABLE', remedy: 'The disk failed to read or write: check it.' },
    SQLITE_PROTOCOL: { code: 'STORE_BUSY', remedy: 'The lock could not be had; try again.', retry: true },
    SQLITE_ABORT: { code: 'STORE_UNAVAILABLE', remedy: 'The statement was broken off.' },
    SQLITE_NOMEM: { code: 'STORE_UNAVAILABLE', remedy: 'SQLite is out of memory.' },
  }

/**
 * A failure of either driver as a `DroverError`.
 *
 * @param doing What was being done, with the database and table: `writing to "messages" of chat.db`.
 */
export function sqliteError(error: unknown, doing: string): DroverError {
  if (DroverError.isInstance(error)) return error
  const said = error instanceof Error ? error.message.replace(/^SQLITE_[A-Z]+: /, '') : String(error)
  const meaning = meaningOf(sqliteCode(error))
  if (/database connection is not open|Database is closed/.test(said)) {
    return new DroverError('STORE_UNAVAILABLE', `SQLite failed while ${doing}: its connection was closed by others.`, {
      cause: error,
    })
  }
  if (!meaning) return new DroverError('UNEXPECTED', `SQLite failed while ${doing}: ${said}`, { cause: error })
  return new DroverError(meaning.code, `SQLite failed while ${doing}: ${said}. ${meaning.remedy}`, {
    cause: error,
    isRetryable: meaning.retry === true,
  })
}

/** `SQLITE_BUSY_SNAPSHOT`, `SQLITE_CONSTRAINT`…: better-sqlite3 gives the extended code, sqlite3 the primary one. Empty if it is no error of SQLite. */
export function sqliteCode(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null)?.code
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : ''
}

/** Whether waiting helps. A stale snapshot stays stale however long one waits: that transaction has to begin anew. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error)
  return (code.startsWith('SQLITE_BUSY') && code !== 'SQLITE_BUSY_SNAPSHOT') || code.startsWith('SQLITE_LOCKED')
}

function meaningOf(code: string): (typeof meanings)[string] | undefined {
  return meanings[code] ?? meanings[code.split('_').slice(0, 2).join('_')]
}
