/** EIO is a terminal that is gone. */
const goneAway = ['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED']

/**
 * Whoever reads our output may go away, as `head` does. The work goes on without being heard; it ends as it would have ended. Gives what
 * tells of output that was lost otherwise, as on a full disk.
 */
export function outliveClosedPipes(): () => string | undefined {
  let lost: string | undefined
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (code === undefined || !goneAway.includes(code)) lost ??= message
    })
  }
  return () => lost
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
