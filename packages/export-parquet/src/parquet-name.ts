/** Whether a file's name says that it is Parquet: as elsewhere, in capitals too. */
export function isParquetName(name: string): boolean {
  return /\.parquet$/i.test(name)
}
