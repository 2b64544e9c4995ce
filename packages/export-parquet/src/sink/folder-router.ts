import { DroverError, type Page, type Row } from '@drover/core'
import type { ColumnPlan } from '../columns/column-plan.js'
import { escapeValue, longestName } from './folder-name.js'
import { NoFolder, partitionText } from './partition-text.js'

/** Rows of one page that go to one folder: their places, ascending. */
export type Routed = Map<string, number[]>

export interface FolderRouterOptions {
  /** Names the output in errors. */
  readonly where: string
  readonly partition: readonly ColumnPlan[]
  readonly maxFolders: number
  /** Whether the file system takes `A` for `a`. */
  readonly folds: boolean
}

/** What is known of the values of one column behind those of the columns before it. */
type Branch = Map<unknown, Branch | string>

/** Finds the folder of each record by the values of the partition columns. */
export class FolderRouter {
  /** Folders of committed rows, and of the batches under way. */
  readonly #folders = new Set<string>()
  readonly #root: Branch = new Map()
  readonly #segments: string[]

  constructor(private readonly options: FolderRouterOptions) {
    this.#segments = options.partition.map(({ name }) => `${escapeValue(name, options.folds)}=`)
  }

  /** Folders that rows are committed to already. */
  know(folders: Iterable<string>): void {
    for (const folder of folders) this.#folders.add(folder)
  }

  /** A batch that had brought these folders up was not committed. */
  forget(folders: Iterable<string>): void {
    for (const folder of folders) this.#folders.delete(folder)
  }

  /**
   * The folders of a page's records. Folders nobody knew are added to `fresh`; refused records to `refused`, by their place.
   *
   * @throws `OPTION_INVALID` if there are more folders than may be
   */
  route(page: Page, fresh: Set<string>, refused: (row: number, error: DroverError) => void): Routed {
    const values = this.#columnsOf(page)
    const routed: Routed = new Map()
    const rows = values[0]?.length ?? 0
    for (let row = 0; row < rows; row++) {
      let folder: string
      try {
        folder = this.#folderOf(values, row)
      } catch (error) {
        if (!(error instanceof NoFolder)) throw error
        refused(row, new DroverError('RECORD_REFUSED', `${this.options.where}: ${error.message}`, { row }))
        continue
      }
      if (!this.#folders.has(folder)) this.#add(folder, fresh)
      const places = routed.get(folder)
      if (places === undefined) routed.set(folder, [row])
      else places.push(row)
    }
    return routed
  }

  #columnsOf(page: Page): ArrayLike<unknown>[] {
    const { partition } = this.options
    if (page.columns !== undefined) {
      const { columns } = page
      return partition.map(({ name }) => columns.get(name))
    }
    const rows = page.rows() as readonly Row[]
    return partition.map(({ name }) => rows.map((row) => row[name]))
  }

  #folderOf(values: readonly ArrayLike<unknown>[], row: number): string {
    let branch = this.#root
    const last = values.length - 1
    for (let depth = 0; depth < last; depth++) {
      const value = (values[depth] as ArrayLike<unknown>)[row]
      let next = branch.get(value) as Branch | undefined
      if (next === undefined) {
        next = new Map()
        branch.set(value, next)
      }
      branch = next
    }
    const value = (values[last] as ArrayLike<unknown>)[row]
    const known = branch.get(value)
    if (known !== undefined) return known as string
    const folder = this.#nameOf(values, row)
    // An object is another one each time; and nothing may grow without end.
    if ((typeof value !== 'object' || value === null) && branch.size < this.options.maxFolders)
      branch.set(value, folder)
    return folder
  }

  #nameOf(values: readonly ArrayLike<unknown>[], row: number): string {
    const { partition, folds } = this.options
    const segments = partition.map((column, i) => {
      const segment =
        this.#segments[i] + escapeValue(this.#textOf((values[i] as ArrayLike<unknown>)[row], column), folds)
      const bytes = Buffer.byteLength(segment)
      if (bytes <= longestName) return segment
      throw new NoFolder(
        `field "${column.name}" has a value whose folder would have a name of ${bytes} bytes, and file systems take ${longestName}. Partition by a column of shorter values.`,
      )
    })
    return segments.join('/')
  }

  #textOf(value: unknown, column: ColumnPlan): string | null {
    try {
      return partitionText(value, column)
    } catch (error) {
      if (!(error instanceof NoFolder)) throw error
      throw new NoFolder(`field "${column.name}", by which folders are made, is ${error.message}.`)
    }
  }

  #add(folder: string, fresh: Set<string>): void {
    const { maxFolders } = this.options
    if (this.#folders.size >= maxFolders) throw this.#tooMany()
    this.#folders.add(folder)
    fresh.add(folder)
  }

  #tooMany(): DroverError {
    const { where, maxFolders, partition } = this.options
    const counts = partition.map(({ name }, depth) => {
      const values = new Set([...this.#folders].map((folder) => folder.split('/')[depth]))
      return { name, values: values.size }
    })
    const widest = counts.reduce((a, b) => (b.values > a.values ? b : a))
    const of = partition.length === 1 ? `"${widest.name}"` : `${partition.map(({ name }) => `"${name}"`).join(' and ')}`
    const most = partition.length === 1 ? '' : ` "${widest.name}" alone has ${widest.values}.`
    return new DroverError(
      'OPTION_INVALID',
      `${where}: partitionBy ${of} makes more than ${maxFolders} folders.${most} Partition by a column of fewer values, such as a date, or raise maxFolders; nothing of this batch is committed.`,
    )
  }
}
