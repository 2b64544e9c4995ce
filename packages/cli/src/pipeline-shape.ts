import {
  amount,
  anything,
  choice,
  either,
  filter,
  flag,
  list,
  map,
  names,
  type ObjectShape,
  object,
  type Shape,
  secret,
  text,
  whole,
} from './shape/shape.js'
import { shapesFor } from './stores/registry.js'
import type { Role } from './stores/store-type.js'
import { transformerTypes } from './transformers.js'

const moduleShape = object(
  {
    module: text(
      'A file of your own, beside this one, and which of its exports: ./steps.ts#shorten. Default: the default export.',
    ),
    options: map(anything(), 'Given to the export, which then is a function that makes what is wanted.'),
  },
  ['module'],
  'What a module of your own exports.',
)

const storeShape = (role: Exclude<Role, 'undo'>, noun: string): Shape => ({
  kind: 'variants',
  noun,
  types: shapesFor(role),
  module: moduleShape,
})

const window = object(
  {
    from: text('When it opens: 22:00.'),
    to: text('When it closes; the next day if it is not later.'),
    zone: text('The zone whose clocks it goes by: Europe/Vienna.'),
    days: list(
      choice(['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']),
      'The days it opens on. Default: every day.',
      1,
    ),
  },
  ['from', 'to', 'zone'],
)

const transformerShape: Shape = {
  kind: 'variants',
  noun: 'transformer',
  types: Object.fromEntries(Object.entries(transformerTypes).map(([type, { options }]) => [type, options])),
  module: moduleShape,
}

/** Options that pipelines and backfills share, as `RunOptions` of core has them. */
export const runFields = {
  version: text('Raise it when a function of your own in the chain changes what it does.'),
  batchSize: whole(1, "Records that become durable together. Default: the sink's own."),
  again: choice(
    ['nothing', 'incremental', 'full'],
    'What a completed run does when it is called again. Default: nothing, of backfills full.',
  ),
  whenChanged: choice(
    ['refuse', 'continue', 'restart'],
    'What happens if the stored run was started by another definition. Default: refuse.',
  ),
  whenHeld: choice(['fail', 'wait'], 'What happens if another process works on the run. Default: fail.'),
  maxRejected: whole(0, 'Rejected records that the run bears. Default: 0.'),
  maxRetries: whole(0, 'How often a batch is tried again after a transient error. Default: 8.'),
  stopAfter: object(
    {
      records: whole(1, 'Stop once so many records were read by this call.'),
      deadline: text('Stop at that instant, in ISO 8601.'),
    },
    [],
    'When to end the batch and stop; the next call goes on.',
  ),
  leaseMs: whole(100, 'How long a lease lasts without a heartbeat, in milliseconds. Default: 30000.'),
  recordsPerSecond: whole(0, 'Ceiling over all partitions; 0 is none.'),
  adaptive: object(
    {
      targetBatchMs: whole(1, 'How long a batch is to take, in milliseconds.'),
      minBatchSize: whole(1, 'Default: a tenth of the first size.'),
      maxBatchSize: whole(1, 'Default: 100000.'),
    },
    ['targetBatchMs'],
    'Batches get larger and smaller to take that long.',
  ),
  signals: list(
    storeShape('signal', 'signal'),
    'What the run slows down for: how the stores and the process are doing.',
  ),
  windows: list(window, 'When the run may work. Default: always.', 1),
  whenClosed: choice(['wait', 'stop'], 'Outside of its windows: wait until one opens, or stop. Default: wait.'),
  stalledAfterMs: whole(0, 'After how long without a commit a partition is said to stand still. Default: 60000.'),
  maxInFlightBytes: whole(1, 'Bytes that pages may hold at once. Default: 67108864.'),
  parallel: whole(1, 'Partitions read and written side by side. Default: 1.'),
  deadLetters: either([text(), storeShape('sink', 'sink')], 'Where rejected records go: a folder, or a sink.'),
} as const

/** What a pipeline's file may hold. */
export const pipelineShape: ObjectShape = {
  kind: 'object',
  fields: {
    name: text("The run's identity: the same name goes on where it stands."),
    source: { ...storeShape('source', 'source'), about: 'Where records come from.' },
    filter: filter('Which records to take; the source does as much of it as it can.'),
    transform: list(transformerShape, 'What becomes of each record, step by step.'),
    sink: { ...storeShape('sink', 'sink'), about: 'Where records go.' },
    state: {
      ...storeShape('state', 'state store'),
      about: "What keeps the run. Default: the sink's own store if it is exact, else the folder .drover.",
    },
    ...runFields,
    allowDuplicates: flag('Accept that a record may arrive twice. Default: false.'),
    deletes: either(
      [
        choice(['ignore', 'propagate']),
        {
          ...object({
            propagate: flag('Delete them.'),
            mark: text('The field that gets the time of the run.'),
            allowEmpty: flag('Also where the run gives no row at all. Default: false.'),
          }),
          oneOf: [['propagate'], ['mark']],
        },
      ],
      'What becomes of rows that a full run does not give any more: they stay, are deleted, or are marked. Default: ignore.',
    ),
    verify: object(
      {
        key: names('The field, or the fields, that identify a row on both sides. Default: the key of the sink.'),
        ignore: list(text(), 'Fields that are not compared.'),
        json: list(text(), 'Fields whose texts hold JSON and are compared as such.'),
        tolerance: object(
          { default: toleranceShape(), fields: map(toleranceShape(), 'By field.') },
          [],
          'How far numbers and vectors may be apart.',
        ),
        maxKeys: whole(1, 'Keys that are held in memory at once. Default: 200000.'),
      },
      [],
      'What `drover verify` compares by.',
    ),
    backfills: list(
      either([
        text(),
        object(
          {
            module: text('The file of the backfill, and which of its exports.'),
            dependsOn: list(text()),
            ...runFields,
          },
          ['module'],
        ),
      ]),
      'Backfills that belong to it: `drover backfill --list`.',
    ),
    schema: object(
      {
        url: secret(
          'The database: postgres://…, or the file of a SQLite database. --url and DATABASE_URL go before it.',
        ),
        migrations: text('The folder of its revisions, beside this file. Default: migrations.'),
        tablePrefix: text("What the names of the journal's tables begin with. Default: drover_."),
        backups: text('The folder that backups go to. Default: backups.'),
        models: text('The module that declares its tables, and which of its exports: ./models.ts#models.'),
      },
      [],
      'The database that `drover schema` is about.',
    ),
  },
  required: [],
  oneOf: [['name', 'source', 'sink'], ['backfills'], ['schema']],
}

function toleranceShape(): Shape {
  return object({ absolute: amount(0), relative: amount(0) })
}
