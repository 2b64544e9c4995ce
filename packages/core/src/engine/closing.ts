/** Told of what failed besides that which is thrown. */
export type AlsoFailed = (error: unknown) => void

/**
 * Closes `resource` after `work`. An error while closing is thrown, unless the work failed already: then its own error says
 * why, and the second one goes to `alsoFailed`.
 */
export async function closing<T>(
  resource: AsyncDisposable | undefined,
  work: () => Promise<T>,
  alsoFailed: AlsoFailed,
): Promise<T> {
  const result = await keeping(resource, work, alsoFailed)
  await resource?.[Symbol.asyncDispose]()
  return result
}

/** The same for what the work's result goes on using: it is closed only if the work fails. */
export async function keeping<T>(
  resource: AsyncDisposable | undefined,
  work: () => Promise<T>,
  alsoFailed: AlsoFailed,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    try {
      await resource?.[Symbol.asyncDispose]()
    } catch (second) {
      alsoFailed(second)
    }
    throw error
  }
}

/** Closes all of it, side by side, and only then throws the first error; the others go to `alsoFailed`. */
export async function closeAll(closes: readonly (() => unknown)[], alsoFailed: AlsoFailed): Promise<void> {
  const errors: unknown[] = []
  for (const result of await Promise.allSettled(closes.map(async (close) => close())))
    if (result.status === 'rejected') errors.push(result.reason)
  const [first, ...others] = errors
  for (const error of others) alsoFailed(error)
  if (errors.length > 0) throw first
}
