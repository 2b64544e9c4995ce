import { fileError, systemCode } from '../disk/file-error.js'
import { DroverError } from '../errors/drover-error.js'

/** What stands in the way of an output, by what the system says. */
const obstacles: Readonly<Record<string, string>> = {
  ENOENT: 'a folder of its path is not there any more',
  ENOTDIR: 'a file is where a folder of its path should be: name another place, or move the file away',
  EISDIR: 'a folder is where the file should be: name another file, or move the folder away',
  EEXIST: 'a file is where a folder of its path should be: name another place, or move the file away',
  ENOTEMPTY: 'a folder is where the file should be: name another file, or move the folder away',
  EXDEV: 'its folder `.drover` lies on another disk than the file itself',
}

/** An error of the file system while an output is written, as one of ours. `output` as the user named it. */
export function outputError(error: unknown, output: string): unknown {
  const code = systemCode(error)
  if (DroverError.isInstance(error) || code === undefined || (error as { syscall?: unknown }).syscall === undefined) {
    return error
  }
  const isRefused = code === 'ENOENT' && (error as { syscall?: unknown }).syscall === 'mkdir'
  const obstacle = isRefused ? undefined : obstacles[code]
  if (obstacle !== undefined) {
    return new DroverError('SINK_NOT_READY', `${output} cannot be written: ${obstacle} (${code}).`, { cause: error })
  }
  if (code === 'EFBIG') {
    return new DroverError(
      'STORE_FULL',
      `${output} cannot be written: no file may get larger here (${code}). Raise the limit, or write to another file system, and call again.`,
      { cause: error },
    )
  }
  return fileError(error, `${output} cannot be written`)
}

/** An error of the file system while an input is read, as one of ours. */
export function inputError(error: unknown, input: string): unknown {
  const code = systemCode(error)
  if (DroverError.isInstance(error) || code === undefined) return error
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new DroverError(
      'SOURCE_NOT_FOUND',
      `${input} is not there. Check the path; a relative one begins at ${process.cwd()}.`,
      { cause: error },
    )
  }
  if (code === 'EISDIR') return new DroverError('SOURCE_INVALID', `${input} is a folder, not a file.`, { cause: error })
  return fileError(error, `${input} cannot be read`)
}
