/** The stores that there is a template for. */
export const templateStores = ['sqlite', 'postgres'] as const
export type TemplateStore = (typeof templateStores)[number]

const stores: Readonly<Record<TemplateStore, { factory: string; location: string; setting: string }>> = {
  sqlite: {
    factory: 'sqliteBackfill',
    location: "filename: process.env.DATABASE_FILE ?? 'app.db',",
    setting: 'DATABASE_FILE=app.db',
  },
  postgres: {
    factory: 'postgresBackfill',
    location: 'connection: process.env.DATABASE_URL,',
    setting: 'DATABASE_URL=postgres://user:password@host:5432/database',
  },
}

/** The beginning of a backfill. @param file Where it will stand. */
export function backfillTemplate(feature: string, file: string, store: TemplateStore): string {
  const { factory, location, setting } = stores[store]
  const path = file.startsWith('.') || file.startsWith('/') ? file : `./${file}`
  return `/**
 * Purpose: fills ${feature} of the messages that were written before there was such a column.
 *
 * When to run: after the migration that adds messages.${feature}, once, in any release behind it.
 *
 * Usage: ${setting} drover backfill ${path}
 *
 * It works batch by batch while the application runs, goes on where it stood when it is called again, and changes no
 * row that has a value already.
 */
import { ${factory} } from '@drover/adapter-${store}'

interface Message {
  readonly content: string | null
}

export default ${factory}<Message>({
  name: '${feature.replaceAll('_', '-')}',
  // Raise it when what is computed below changes.
  version: '1',
  ${location}
  table: 'messages',
  // The rows that wait for it. An update repeats this: what the application wrote meanwhile stays.
  where: { ${feature}: { isNull: true } },
  // It does not begin before the migration has run.
  requires: ['messages.${feature}'],
  reads: ['content'],
  sets: ['${feature}'],
  set: ({ content }) => ({ ${feature}: content?.length ?? 0 }),
})
`
}
