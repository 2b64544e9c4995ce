/** Numbers of the fields that are looked at, after https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift */

export const fileField = {
  version: 1,
  schema: 2,
  rows: 3,
  groups: 4,
  keyValues: 5,
  createdBy: 6,
  columnOrders: 7,
  encryption: 8,
} as const

export const elementField = {
  type: 1,
  typeLength: 2,
  repetition: 3,
  name: 4,
  children: 5,
  convertedType: 6,
  scale: 7,
  precision: 8,
  logicalType: 10,
} as const

export const groupField = { columns: 1, totalBytes: 2, rows: 3, fileOffset: 5, compressedBytes: 6, ordinal: 7 } as const

export const columnField = {
  filePath: 1,
  fileOffset: 2,
  metadata: 3,
  offsetIndexOffset: 4,
  offsetIndexLength: 5,
  columnIndexOffset: 6,
  columnIndexLength: 7,
  encryption: 8,
} as const

export const chunkField = {
  type: 1,
  path: 3,
  values: 5,
  uncompressedBytes: 6,
  compressedBytes: 7,
  dataPage: 9,
  indexPage: 10,
  dictionaryPage: 11,
  bloomFilter: 14,
} as const

export const keyValueField = { key: 1, value: 2 } as const
export const offsetIndexField = { locations: 1 } as const
export const locationField = { offset: 1 } as const
