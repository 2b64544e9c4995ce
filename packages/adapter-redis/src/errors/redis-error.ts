import { DroverError, redactSecrets } from '@drover/core'

/**
 * A failure of the server, of ioredis or the network as a `DroverError`.
 *
 * @param doing What was being done, with the key and server: `reading key "a" on cache.example.org:6379`.
 */
export function redisError(error: unknown, doing: string): DroverError {
  if (DroverError.isInstance(error)) return error
  const said = redactSecrets(error instanceof Error ? error.message : String(error)).replace(/\.$/, '')
  return new DroverError('UNEXPECTED', `Redis failed while ${doing}: ${said}.`, { cause: error })
}
