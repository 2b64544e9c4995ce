import { createMigrator } from './migrator/create-migrator.js'
import { mortal } from './testing/mortal.js'

/** The process that `checkKills` kills. It says how many calls the revisions make when it lives to its end. */
const { url, location, killAt, allow } = JSON.parse(process.argv[2] ?? '{}') as {
  readonly url: string
  readonly location: string
  readonly killAt: number
  readonly allow: readonly string[]
}

async function live(): Promise<void> {
  const module: { readonly default?: unknown } = await import(url)
  const { migrations, calls } = mortal(module.default, killAt)
  await using migrator = createMigrator({ connection: location, migrations })
  await migrator.up({ to: 'heads', allow })
  process.stdout.write(JSON.stringify({ calls: calls() }))
}

live().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  process.exitCode = 1
})
