import { errorCodes } from '@drover/core'
import { errorRemedies } from './error-remedies.js'

/** The text of docs/errors.md. */
export function errorPage(): string {
  const entries = Object.entries(errorCodes).map(
    ([code, meaning]) =>
      `## ${code}\n\n${meaning}\n\n**What to do.** ${errorRemedies[code as keyof typeof errorCodes]}\n`,
  )
  return `${head}\n${entries.join('\n')}`
}

const head = `# Errors

<!-- Written by internal/docs-test/write-error-page.ts out of packages/core/src/errors/codes.ts. -->

A call that fails rejects with a \`DroverError\`, always. Its \`code\` is one of those below and says what has to be done; its message is a
sentence that names the store, the table or file, and the key. \`cause\` has what the driver or the step threw. \`isRetryable\` is true
if the same call may succeed when it is made again: a run does that by itself, \`maxRetries\` times, before it gives up.

\`\`\`ts
import { DroverError } from '@drover/core'

export function explain(error: unknown): string {
  if (DroverError.isInstance(error, 'RUN_HELD')) return 'Another instance is at it.'
  return DroverError.isInstance(error) ? \`\${error.code}: \${error.message}\` : String(error)
}
\`\`\`

Whatever the code, nothing is half written, and the same call goes on behind the last commit.
`
