import { promisify } from 'node:util'
import { constants, gzip, gzipSync } from 'node:zlib'

const compress = promisify(gzip)
const flagsAt = 8
const systemAt = 9
const unknownSystem = 255

/** Whether bytes begin as a gzip file does (RFC 1952, 2.3.1). */
export function isGzip(start: Uint8Array): boolean {
  return start[0] === 0x1f && start[1] === 0x8b
}

/** One member of a gzip file: members may be concatenated (RFC 1952, 2.2), so a file can end behind any of them. */
export function gzipMember(bytes: Uint8Array): Promise<Uint8Array> {
  return compress(bytes)
}

/** A text as a member that looks the same wherever it is made, so that it is found again at the end of a file. */
export function fixedGzipMember(text: string): Uint8Array {
  if (text === '') return new Uint8Array(0)
  const member = gzipSync(text, { level: constants.Z_NO_COMPRESSION })
  member[flagsAt] = 0
  member[systemAt] = unknownSystem
  return member
}
