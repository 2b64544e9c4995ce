import { randomUUID } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import {
  assembling,
  type Beginning,
  type Claim,
  identityOf,
  isSameFile,
  type Operation,
  type PartitionStage,
  type StagedPartition,
} from '@drover/core'
import type { DatasetFile, DatasetManifest } from './dataset-manifest.js'
import {
  asJson,
  detailsOf,
  differingFields,
  joined,
  type LaneDetails,
  type OutputPlan,
  type OwnFile,
  schemaOf,
} from './details.js'
import { leftoversIn, parquetFilesIn } from './folder-files.js'
import { valuesOfFolder } from './folder-name.js'
import { chunksOf, type FilePart, type FolderWork, fileName } from './folder-work.js'
import { inParallel } from './in-parallel.js'
import { openPart, readJournals } from './journal.js'
import { keyValues } from './one-file.js'
import { OutputFile } from './output-file.js'
import {
  continuesIn,
  type MadeFile,
  type Making,
  notReady,
  PlacedOutput,
  type PlacedOutputOptions,
} from './placed-output.js'
import { type Published, publishedAt } from './published.js'
import { tailGroups } from './tail-groups.js'

export interface DataSetOptions extends PlacedOutputOptions {
  readonly partitionBy: readonly string[]
  readonly fileBytes: number
}

/** A folder of files, or of folders by the values of some columns. Its manifest says which files it consists of. */
export class DataSet extends PlacedOutput {
  /** Looked at once in a session, though every partition comes to it. */
  #beginnings = new Map<string, Promise<LaneDetails>>()
  /** The columns that were found to be those of the data set that is added to. */
  #fitting: OutputPlan | undefined

  constructor(private readonly set: DataSetOptions) {
    super(set)
  }

  async begin({ run, partition }: Claim): Promise<Beginning> {
    const appends = partition.start !== undefined || this.set.onExisting === 'append'
    const continues = partition.start !== undefined
    const key = `${run} ${appends} ${continues}`
    const known = this.#beginnings.get(key) ?? this.#look(appends, continues)
    this.#beginnings.set(key, known)
    try {
      return { files: 0, details: asJson(await known) }
    } catch (error) {
      this.#beginnings.delete(key)
      throw error
    }
  }

  async #look(appends: boolean, continues: boolean): Promise<LaneDetails> {
    const { output, root, staging, onExisting } = this.set
    const published = await publishedAt(this.set.manifestPath, this.set.otherManifestPath)
    const leftovers = await leftoversIn(staging)
    const ours = new Set([...published.files, ...leftovers].map(({ path }) => path))
    const found = await parquetFilesIn(root)
    const foreign = found.find((path) => !ours.has(path))
    // What stands in its place would be replaced; one at the other place may name the files that seem to be nobody's.
    const broken = published.unreadable.find(({ path }) => foreign !== undefined || path === this.set.manifestPath)
    if (broken !== undefined) {
      const names = foreign === undefined ? '' : `, so that nobody can say whose files ${output} holds (${foreign})`
      throw notReady(
        `${output}${broken.path.slice(root.length)} cannot be read as the manifest of the data set: it ${broken.why.is}${names}. ${broken.why.remedy}`,
      )
    }
    if (foreign !== undefined) {
      throw notReady(
        `${output} holds ${foreign}, which no manifest of Drover names, so it is neither replaced nor added to. Move it away, or name another folder.`,
      )
    }
    if (!appends && onExisting === 'error' && published.files.length > 0) {
      throw notReady(
        `${output} holds a data set already. Move it away, replace it with onExisting: 'replace', or add to it with onExisting: 'append'.`,
      )
    }
    const details = { createdAt: new Date().toISOString(), leftovers }
    if (!appends) return details
    if (continues) this.#tellOfMissing(published, found)
    this.#checkSame(published.manifest)
    return { ...details, appends: true, ...(published.identity === null ? {} : { base: published.identity }) }
  }

  /** Once the columns are known: whether they are those of the data set that is added to. @throws `SINK_NOT_READY` */
  async checkAppend(): Promise<void> {
    if (this.#fitting !== undefined && this.set.help.plan() === this.#fitting) return
    this.#checkSame((await publishedAt(this.set.manifestPath, this.set.otherManifestPath)).manifest)
  }

  /** Columns of the data set that are never null. */
  async required(): Promise<ReadonlySet<string>> {
    const { manifest } = await publishedAt(this.set.manifestPath, this.set.otherManifestPath)
    const fields = manifest === null || manifest.files.length === 0 ? [] : manifest.schema.fields
    return new Set(fields.filter(({ nullable }) => !nullable).map(({ name }) => name))
  }

  #checkSame(manifest: DatasetManifest | null): void {
    const { output, partitionBy, help } = this.set
    if (manifest === null || manifest.files.length === 0) return
    if (partitionBy.join('\n') !== manifest.partitionBy.join('\n')) {
      throw notReady(
        `Nothing can be appended to ${output}: its folders are made by ${listed(manifest.partitionBy)}, and partitionBy is ${listed(partitionBy)}.`,
      )
    }
    const plan = help.plan()
    // Each file has its own description of its columns: some may be null in one, and never in another.
    const ours = plan === undefined ? manifest.schema : schemaOf(plan)
    const differing = differingFields(joined(ours, manifest.schema), joined(manifest.schema, ours))
    if (differing.length === 0) {
      this.#fitting = plan
      return
    }
    throw notReady(
      `Nothing can be appended to ${output}: ${listed(differing)} ${differing.length === 1 ? 'is' : 'are'} not there, or of another type, or at another place. Name the columns' types with types, write to another folder, or replace it with onExisting: 'replace'.`,
    )
  }

  protected async checkUnchanged(partitions: readonly StagedPartition[]): Promise<void> {
    const adding = partitions.map(({ manifest }) => detailsOf(manifest)).find(({ appends }) => appends === true)
    if (adding === undefined) return
    const published = await publishedAt(this.set.manifestPath, this.set.otherManifestPath)
    const { identity } = published
    if (adding.base === undefined ? identity === null : isSameFile(identity, adding.base)) {
      // An attempt before this one began with it.
      if (continuesIn(partitions)) this.#tellOfMissing(published, await parquetFilesIn(this.set.root))
      return
    }
    throw notReady(
      `The manifest of ${this.set.output} was changed by another program since this run began to add to it, and would lose that change. Put it back as it was, or delete ${this.set.staging} to append to the data set as it is now.`,
    )
  }

  #tellOfMissing({ manifest, files }: Published, found: readonly string[]): void {
    if (manifest === null) this.missing.tell()
    const present = new Set(found)
    const gone = files.filter(({ path }) => !present.has(path))
    if (gone.length > 0) this.missing.tell(`${gone.length} of ${files.length} files, such as ${gone[0]?.path}`)
  }

  protected override async checkFree(path: string): Promise<void> {
    if ((await identityOf(`${this.set.root}/${path}`)) === null) return
    throw notReady(`${this.set.output} holds ${path}, which no manifest of Drover names. Move it away, and call again.`)
  }

  protected async make(
    partitions: readonly StagedPartition[],
    _stages: ReadonlyMap<string, PartitionStage>,
    { signal }: Operation,
  ): Promise<Making> {
    const { help, partitionBy } = this.set
    const details = partitions.map(({ manifest }) => detailsOf(manifest))
    const plan = details.map(({ output }) => output).find((one) => one !== undefined)
    if (plan !== undefined) await help.adopt(plan)
    const made: Made[] = []
    try {
      for (const staged of partitions) await this.#filesOf(staged, made, signal)
      const columns = help.plan()
      // Without a single file nobody could tell the columns.
      if (made.length === 0 && partitionBy.length === 0 && columns !== undefined) {
        made.push(await this.#write(partitions[0] as StagedPartition, '', 1, [], signal))
      }
    } catch (error) {
      for (const { from } of made) await OutputFile.discard(from)
      throw error
    }
    help.made(made.map(({ entry }) => entry))
    return { files: made, ...(await this.#manifest(partitions, made)) }
  }

  async #manifest(partitions: readonly StagedPartition[], made: readonly Made[]): Promise<Omit<Making, 'files'>> {
    const { manifest } = partitions[0] as StagedPartition
    const details = partitions.map((one) => detailsOf(one.manifest))
    const published = await publishedAt(this.set.manifestPath, this.set.otherManifestPath)
    const appends = details.some((one) => one.appends === true)
    const plan = this.set.help.plan()
    const files = [...(appends ? published.files : []), ...made.map(({ entry }) => entry)]
    const stays = new Set(files.map(({ path }) => path))
    const before: OwnFile[] = [...published.files, ...details.flatMap(({ leftovers = [] }) => leftovers)]
    const remove = new Map(
      before.filter(({ path }) => !stays.has(path)).map(({ path, bytes }) => [path, { path, bytes }]),
    )
    const base = published.manifest?.schema ?? { fields: [], key: [] }
    const own = plan === undefined ? base : schemaOf(plan)
    const schema = appends ? joined(own, base) : own
    return {
      remove: [...remove.values()],
      manifest: {
        version: 1,
        writer: 'drover',
        run: manifest.run,
        createdAt: (details[0] as LaneDetails).createdAt,
        schema,
        partitionBy: this.set.partitionBy,
        rows: files.reduce((sum, { rows }) => sum + rows, 0),
        files,
      },
    }
  }

  /** The files of one lane, folder by folder, several at once where they are small: each waits for the disk and for the encoder. */
  async #filesOf(staged: StagedPartition, made: Made[], signal: AbortSignal): Promise<void> {
    const { output, help } = this.set
    const { groups, pending, folders } = await readJournals(staged.log.folder, staged.manifest.parts, output)
    const byFolder = new Map(
      [...folders].map((name): [string, FolderWork] => [name, { name, groups: [], tail: pending.get(name) ?? [] }]),
    )
    for (const group of groups) byFolder.get(group.folder)?.groups.push(group)
    for (const together of chunksOf([...byFolder.values()], help.limits.bytes)) {
      const written = new Map<FolderWork, Made[]>(together.map((work) => [work, []]))
      try {
        await inParallel(together, (work) => this.#filesOfFolder(staged, work, written.get(work) as Made[], signal))
      } finally {
        made.push(...[...written.values()].flat())
      }
    }
  }

  /** Its row groups, and what is in none, in as many files as it takes. */
  async #filesOfFolder(staged: StagedPartition, work: FolderWork, made: Made[], signal: AbortSignal): Promise<void> {
    const { output, help, fileBytes } = this.set
    let parts: FilePart[] = []
    let bytes = 0
    const end = async (): Promise<void> => {
      made.push(await this.#write(staged, work.name, made.length + 1, parts, signal))
      parts = []
      bytes = 0
    }
    const add = async (part: FilePart): Promise<void> => {
      if (bytes > 0 && bytes + part.footer.bytes > fileBytes) await end()
      parts.push(part)
      bytes += part.footer.bytes
    }
    for (const group of work.groups) await add(group)
    const place = { output, folder: staged.log.folder }
    for await (const group of tailGroups(help, place, work.tail, signal)) await add(group)
    if (parts.length > 0) await end()
  }

  async #write(
    { log, manifest }: StagedPartition,
    folder: string,
    number: number,
    parts: readonly FilePart[],
    signal: AbortSignal,
  ): Promise<Made> {
    const { help, staging, output, partitionBy } = this.set
    const schema = await help.schema(signal)
    const file = await OutputFile.create(`${staging}/${randomUUID()}${assembling}`)
    let from: { readonly name: string; readonly handle: FileHandle } | undefined
    try {
      for (const part of parts) {
        if ('chunks' in part) {
          await file.add(part)
          continue
        }
        if (from?.name !== part.data) {
          await from?.handle.close()
          from = undefined
          from = { name: part.data, handle: await openPart(`${log.folder}/${part.data}`, output) }
        }
        await file.copyGroup(from.handle, part.at, part.footer, signal)
      }
      const { identity, ...finished } = await file.finish(schema, keyValues(help.plan()))
      await file.close()
      const path = [...(folder === '' ? [] : [folder]), fileName(manifest.run, manifest.partition.id, number)].join('/')
      const partition = partitionBy.length === 0 ? {} : { partition: valuesOfFolder(folder) }
      return { from: file.path, path, identity, entry: { path, ...finished, ...partition } }
    } catch (error) {
      await file.discard()
      throw error
    } finally {
      await from?.handle.close()
    }
  }
}

interface Made extends MadeFile {
  readonly entry: DatasetFile
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'nothing' : names.map((name) => `"${name}"`).join(', ')
}
