import { addMetadata, defaults, mask, normalizeTimestamps, omit, pick, rename, type StepFunction } from '@drover/core'
import { anything, choice, list, map, type ObjectShape, object, text, whole } from './shape/shape.js'

/** A transformer that a file can name, and what makes it of its options. */
interface TransformerType {
  readonly options: ObjectShape
  readonly make: (options: never) => StepFunction
}

const fields = list(text(), 'The fields that it looks at.', 1)

/** Every transformer that a file can name by its type; a function of one's own is a module. */
export const transformerTypes: Readonly<Record<string, TransformerType>> = {
  'add-metadata': {
    options: object({}, [], 'Adds metadata.migrated_at: when the run started.'),
    make: () => addMetadata(),
  },
  defaults: {
    options: object(
      { values: map(anything(), 'Values by field.') },
      ['values'],
      'Fills fields that are null or missing.',
    ),
    make: ({ values }: { values: object }) => defaults(values),
  },
  mask: {
    options: object(
      {
        fields,
        keep: whole(0, 'Characters at the end that stay readable. Default: 0.'),
        with: text('What stands in place of each hidden character. Default: *.'),
      },
      ['fields'],
      'Hides texts, character by character.',
    ),
    make: ({ fields: hidden, ...options }: { fields: string[] }) => mask(hidden, options),
  },
  'normalize-timestamps': {
    options: object(
      {
        fields: list(
          text(),
          'The fields that it looks at. Default: those of the record type, from a source of checkpoints.',
          1,
        ),
        assumeZone: text('The zone of texts that name none, such as Europe/Berlin. Default: UTC.'),
        epoch: choice(
          ['seconds', 'milliseconds', 'microseconds'],
          'What numbers count since 1970. Default: their size tells.',
        ),
      },
      [],
      'Writes timestamps as ISO 8601 in UTC.',
    ),
    make: ({ fields: stamps, ...options }: { fields: string[] }) => normalizeTimestamps(stamps, options),
  },
  omit: {
    options: object({ fields }, ['fields'], 'Leaves fields out.'),
    make: ({ fields: omitted }: { fields: string[] }) => omit(omitted),
  },
  pick: {
    options: object({ fields }, ['fields'], 'Keeps these fields and no others.'),
    make: ({ fields: picked }: { fields: string[] }) => pick(picked),
  },
  rename: {
    options: object({ fields: map(text(), 'New names by the old ones.') }, ['fields'], 'Gives fields other names.'),
    make: ({ fields: renamed }: { fields: Record<string, string> }) => rename(renamed),
  },
}

/** Transformers that know the records of agents, by the type of those that do not: what `@drover/checkpoints` calls them. */
export const transformersOfAgents: Readonly<Record<string, string>> = {
  'add-metadata': 'addMigrationMetadata',
  'normalize-timestamps': 'normalizeRecordTimestamps',
}
