import { checkpointLayouts } from '../stores/checkpoint-layouts.js'
import { lengthsOfModels } from '../stores/checkpoints.js'

/** Something that is asked for. */
export interface Question {
  readonly message: string
  /** All that can be answered; else a text. */
  readonly choices?: readonly string[]
  /** What an empty answer means; without it there has to be one. Empty itself, it leaves the member out. */
  readonly usual?: string
}

/** A member of a configuration, and the question for it. */
export interface Member extends Question {
  readonly name: string
  /** What is usual for a destination where the source says the usual already: nobody moves a store into itself. */
  readonly elsewhere?: string
  /** Whether it is asked for, beside what was answered before. @default always */
  readonly when?: (config: Readonly<Record<string, unknown>>) => boolean
}

export const sourceQuestion: Question = {
  message: 'Where are the checkpoints or messages?',
  choices: ['postgresql', 'sqlite', 'redis', 'unified'],
}

export const destinationQuestion: Question = {
  message: 'Where do they go?',
  choices: ['unified', 'json', 'parquet', 'postgresql', 'sqlite', 'redis'],
}

const variable = (name: string): string => `\${${name}}`
const table: Member = {
  name: 'table_name',
  message: 'The table of a chat history? Empty finds out what is there.',
  usual: '',
}
const places: Readonly<Record<string, readonly Member[]>> = {
  postgresql: [
    {
      name: 'connection_string',
      message: 'PostgreSQL URL?',
      usual: variable('DATABASE_URL'),
      elsewhere: variable('DESTINATION_DATABASE_URL'),
    },
  ],
  sqlite: [
    {
      name: 'connection_string',
      message: 'SQLite file?',
      usual: 'sqlite:///checkpoints.db',
      elsewhere: 'sqlite:///migrated_checkpoints.db',
    },
  ],
  redis: [
    {
      name: 'redis_url',
      message: 'Redis URL?',
      usual: variable('REDIS_URL'),
      elsewhere: variable('DESTINATION_REDIS_URL'),
    },
  ],
  unified: [
    { name: 'qdrant_url', message: 'Qdrant URL?', usual: 'http://localhost:6333' },
    { name: 'collection', message: 'Collection?', usual: 'checkpoints', elsewhere: 'migrated_checkpoints' },
  ],
}
const besides: Readonly<Record<string, readonly Member[]>> = {
  postgresql: [table],
  sqlite: [table],
  redis: [
    { name: 'key_prefix', message: 'What do the keys begin with? Empty takes what the library takes.', usual: '' },
  ],
}

/** What is asked of a source. */
export function sourceMembers(type: string): readonly Member[] {
  return [...(places[type] ?? []), ...(besides[type] ?? [])]
}

/** What is asked of a destination, where that is the source. */
export function destinationMembers(type: string, source: Readonly<Record<string, unknown>>): readonly Member[] {
  return membersOf(type).map(({ elsewhere, ...member }) =>
    elsewhere !== undefined && source[member.name] === member.usual ? { ...member, usual: elsewhere } : member,
  )
}

function membersOf(type: string): readonly Member[] {
  switch (type) {
    case 'json':
      return [
        { name: 'output_dir', message: 'Folder?', usual: './exports' },
        {
          name: 'single_file',
          message: 'One file in place of one per batch?',
          choices: ['false', 'true'],
          usual: 'false',
        },
      ]
    case 'parquet':
      return [{ name: 'output_path', message: 'File, or folder?', usual: './checkpoints.parquet' }]
    case 'unified':
      return [
        ...(places.unified ?? []),
        {
          name: 'embedding_model',
          message: 'Model for the vectors, such as text-embedding-3-small? Empty makes none.',
          usual: '',
        },
        {
          name: 'dimensions',
          message: 'How many numbers does a vector of this model have?',
          when: ({ embedding_model: model }) => model !== undefined && !Object.hasOwn(lengthsOfModels, String(model)),
        },
      ]
    default: {
      const store = type === 'postgresql' ? 'postgres' : (type as 'sqlite' | 'redis')
      const layout: Member = {
        name: 'layout',
        message: 'As which library has them?',
        choices: checkpointLayouts[store],
      }
      return [...(places[type] ?? []), layout]
    }
  }
}

export const threadsQuestion: Question = {
  message: 'Only threads by a pattern, such as customer-*? Empty takes all.',
  usual: '',
}
export const metadataQuestion: Question = {
  message: 'Note in the metadata when a record was migrated?',
  choices: ['true', 'false'],
  usual: 'true',
}
