import { amount, anything, choice, flag, list, map, names, object, text, whole } from '../shape/shape.js'
import type { StoreType } from './store-type.js'

const values = choice(
  ['extended', 'plain'],
  'Values that JSON cannot hold: written with tags, or refused. Default: extended.',
)
const onExisting = choice(['replace', 'error'], 'What becomes of a file that is there already when a run begins.')
const reads = {
  gzip: flag('Whether the file is compressed. Default: found out by its first bytes.'),
  key: names('The field, or the fields, that identify a record. Default: its place in the file.'),
  schema: object({ fields: list(map(anything())) }, ['fields'], 'What the records look like. Default: inferred.'),
  values,
}

export const ndjson: StoreType = {
  package: '@drover/core',
  roles: {
    source: {
      factory: 'ndjsonSource',
      options: object({ path: text('The file.'), ...reads }, ['path'], 'Reads a file with a record per line.'),
    },
    sink: {
      factory: 'ndjsonSink',
      options: object(
        { path: text('The file.'), gzip: flag('Compress it. Default: false.'), values, onExisting },
        ['path'],
        'Writes a file with a record per line, exactly once.',
      ),
    },
  },
}

export const json: StoreType = {
  package: '@drover/core',
  roles: {
    source: {
      factory: 'jsonSource',
      options: object(
        {
          path: text('One file that holds one array.'),
          directory: text('A folder of such files.'),
          fileName: text('Which files of the folder, as the sink takes it. Default: all.'),
          member: text('The array is the member of that name in an object. Default: the file is the array.'),
          ...reads,
        },
        [],
        'Reads arrays of objects.',
      ),
    },
    sink: {
      factory: 'jsonSink',
      options: object(
        {
          path: text('One file that holds one array.'),
          directory: text('A folder of files, one per batch, each an array.'),
          fileName: text(
            'Of the files in a folder: a name, with a # for each digit of their numbers. Default: ######.',
          ),
          envelope: object(
            {
              member: text('The member that is the array.'),
              before: map(anything(), 'Other members, which stand in front of it.'),
            },
            ['member'],
            'An object that holds the array. Default: the file is the array.',
          ),
          singleFile: flag('Says in words what path and directory say; may be left out.'),
          indent: whole(0, 'Spaces per level; 0 writes a record per line. Default: 0.'),
          gzip: flag('Compress the files. Default: false.'),
          values,
          onExisting,
        },
        [],
        'Writes arrays of objects, exactly once.',
      ),
    },
  },
}

export const eventLoopDelay: StoreType = {
  package: '@drover/core',
  roles: {
    signal: {
      factory: 'eventLoopDelay',
      options: object(
        { maxMs: whole(1, 'How late the event loop may be, in milliseconds.') },
        ['maxMs'],
        'Slows down when this process is busy.',
      ),
    },
  },
}

export const heapUsed: StoreType = {
  package: '@drover/core',
  roles: {
    signal: {
      factory: 'heapUsed',
      options: object(
        { maxShare: amount(0, 'What of the heap may be in use, from 0 to 1.') },
        ['maxShare'],
        'Slows down when this process comes near the end of its heap.',
      ),
    },
  },
}

export const directory: StoreType = {
  package: '@drover/core',
  roles: {
    state: {
      factory: 'directoryStateStore',
      options: object(
        {
          directory: text('The folder, on a local disk.'),
          keepRuns: whole(1, 'Runs of one name that are kept, the newest ones. Default: 100.'),
        },
        ['directory'],
        'Keeps runs in a directory of this host.',
      ),
    },
  },
}

export const memory: StoreType = {
  package: '@drover/core',
  roles: {
    state: {
      factory: 'memoryStateStore',
      options: object({}, [], 'Keeps runs as long as the process lives: nothing can be resumed.'),
    },
  },
}
