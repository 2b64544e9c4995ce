/** Closes `resource` after `work`; an error while closing is thrown unless the work failed already. */
export async function closing<T>(resource: AsyncDisposable | undefined, work: () => Promise<T>): Promise<T> {
  let result: T
  try {
    result = await work()
  } catch (error) {
    await Promise.resolve(resource?.[Symbol.asyncDispose]()).catch(() => {}) // the work's own error says why
    throw error
  }
  await resource?.[Symbol.asyncDispose]()
  return result
}
