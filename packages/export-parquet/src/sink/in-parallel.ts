/** So many wait for the disk at once. */
const together = 8

/** Does something for each, some side by side. After a failure no further one is begun; the first error is thrown when all have ended. */
export async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const errors: unknown[] = []
  const left = items[Symbol.iterator]()
  const worker = async (): Promise<void> => {
    for (const item of left) {
      try {
        await work(item)
      } catch (error) {
        errors.push(error)
      }
      if (errors.length > 0) return
    }
  }
  await Promise.all(Array.from({ length: Math.min(together, items.length) }, worker))
  if (errors.length > 0) throw errors[0]
}
