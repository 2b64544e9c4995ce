import { errorRemedies } from '../error-remedies.js'
import { guides, troubles } from './entries.js'

/** The text of docs/troubleshooting.md. */
export function troubleshootingPage(): string {
  const parts = Object.entries(guides).map(([guide, title]) => {
    const own = troubles.filter((one) => one.guide === guide)
    return `## ${title}\n\n${own.map(entry).join('\n')}`
  })
  return `${head}\n${parts.join('\n')}`
}

function entry({ trouble, seen, codes, remedy }: (typeof troubles)[number]): string {
  const catalogue = codes.map((code) => `- [\`${code}\`](errors.md#${code.toLowerCase()}): ${errorRemedies[code]}`)
  const lines = [`### ${trouble}`, '', seen, '', ...(catalogue.length === 0 ? [] : [...catalogue, '']), remedy]
  return `${lines.join('\n')}\n`
}

const head = `# Troubleshooting

<!-- Written by internal/docs-test/write-troubleshooting-page.ts out of src/troubleshooting/entries.ts there, and the error catalogue. -->

What goes wrong, by the names that guides of migrations give it; each is brought about by a test. Every code there is stands in [Errors](errors.md), every exit code
in [The command](cli.md#how-it-ends).
`
