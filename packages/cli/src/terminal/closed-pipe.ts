/**
 * Whoever reads our output may go away, as `head` does. The work goes on without being heard; it ends as it would have ended.
 */
export function outliveClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // EIO is a terminal that is gone.
      if (error.code !== 'EPIPE' && error.code !== 'EIO' && error.code !== 'ERR_STREAM_DESTROYED') throw error
    })
  }
}

/** Resolves when all that was written is out: a pipe takes it bit by bit. */
export async function flushed(): Promise<void> {
  await Promise.all(
    [process.stdout, process.stderr].map(
      (stream) =>
        new Promise<void>((resolve) => {
          if (stream.destroyed) resolve()
          else stream.write('', () => resolve())
        }),
    ),
  )
}
