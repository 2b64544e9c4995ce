import { choice, flag, list, map, names, object, text, whole } from '../shape/shape.js'
import type { StoreType } from './store-type.js'

const types = map(
  text(),
  'What columns hold, whatever the source says, such as `price: decimal(12,2)`, `at: timestamptz(3)`, `tags: json`.',
)

export const parquet: StoreType = {
  package: '@drover/export-parquet',
  roles: {
    source: {
      factory: 'parquetSource',
      options: object(
        {
          path: text('A file, or the folder of a data set.'),
          key: names(
            'The field, or the fields, that identify a record. Default: what the file says, else its place in the file.',
          ),
          columns: list(text(), 'The columns to read, in this order. Default: all.', 1),
          types: map(text(), "What columns hold, where the files do not say, such as `day: date` of a folder's name."),
          manifest: choice(
            ['use', 'ignore'],
            'Whether the manifest of a data set says which files count, or all of its folder do. Default: use.',
          ),
        },
        ['path'],
        'Reads a Parquet file, a folder of them, or a partitioned data set.',
      ),
    },
    sink: {
      factory: 'parquetSink',
      options: object(
        {
          outputPath: text('A file that ends with .parquet, or the folder of a data set.'),
          partitionBy: list(
            text(),
            'The columns that folders are named after, as in `day=2026-01-01`. Default: none.',
            1,
          ),
          compression: choice(['snappy', 'zstd', 'gzip', 'none'], 'How pages are compressed. Default: snappy.'),
          rowGroupBytes: whole(1, 'Bytes in memory after which a row group is written. Default: 16777216.'),
          rowGroupRows: whole(1, 'Rows after which a row group is written. Default: 122880.'),
          fileBytes: whole(1, 'Bytes after which the next file of a data set is begun. Default: 536870912.'),
          types,
          sampleRecords: whole(
            1,
            'Records that are looked at to find out the columns, where the source does not describe them. Default: 1000.',
          ),
          onExisting: choice(
            ['replace', 'error', 'append'],
            'What becomes of an output that is there already when a run begins. Default: replace.',
          ),
          maxFolders: whole(1, 'More folders than that are an error. Default: 10000.'),
          openFolders: whole(1, 'Folders whose rows are kept in memory at a time. Default: 64.'),
          manifest: flag('Write a manifest beside the files. Default: true.'),
        },
        ['outputPath'],
        'Writes Parquet, exactly once.',
      ),
    },
  },
}
