import { randomUUID } from 'node:crypto'
import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import {
  assembling,
  type Beginning,
  type Claim,
  DroverError,
  type ExistingOutput,
  identityOf,
  isSameFile,
  type Operation,
  type PartFile,
  type PartitionStage,
  type StagedPartition,
} from '@drover/core'
import type { PlacedGroup } from '../encode/group-footer.js'
import {
  type FooterOfFile,
  optionalColumns,
  readFooterOf,
  requiredColumns,
  schemaDifference,
} from '../encode/read-footer.js'
import { NoManifest, readManifest } from './dataset-manifest.js'
import { asJson, columnsDiffering, detailsOf, type OutputPlan, type OwnFile, schemaOf, widened } from './details.js'
import { type LaneContents, openPart, readJournals } from './journal.js'
import { dataKind } from './lane.js'
import { type FinishedFile, OutputFile } from './output-file.js'
import { continuesIn, type Making, modeOf, notReady, PlacedOutput, type PlacedOutputOptions } from './placed-output.js'
import { tailGroups } from './tail-groups.js'

const noColumns = { fields: [], key: [] }

/** One file, made of the row groups of all lanes in the order of the partitions, which gets its name when it is whole. */
export class OneFile extends PlacedOutput {
  readonly #path: string
  /** The columns that were found to be those of the file that is added to. */
  #fitting: OutputPlan | undefined

  constructor(options: PlacedOutputOptions & { readonly path: string }) {
    super(options)
    this.#path = options.path
  }

  async begin({ partition }: Claim): Promise<Beginning> {
    const { output, onExisting } = this.options
    const beginning = { files: 0, details: asJson({ createdAt: new Date().toISOString() }) }
    await this.#checkManifest()
    const identity = await identityOf(this.#path)
    if (identity === null) {
      if (partition.start !== undefined) this.missing.tell()
      return beginning
    }
    if (partition.start === undefined && onExisting !== 'append') {
      if (onExisting === 'replace') return beginning
      throw notReady(`${output} exists already. Move it away, or let it be replaced with onExisting: 'replace'.`)
    }
    const footer = await this.#footer(identity.size)
    if (footer.rows === 0 && footer.groups.length === 0) return beginning
    await this.#fit(footer)
    return { ...beginning, existing: { ...identity, length: footer.dataEnd } }
  }

  /** Once the columns are known: makes them those of the file that is added to. @throws `SINK_NOT_READY` if they cannot be that */
  async checkAppend(): Promise<void> {
    if (this.#fitting !== undefined && this.options.help.plan() === this.#fitting) return
    const identity = await identityOf(this.#path)
    if (identity !== null) await this.#fit(await this.#footer(identity.size))
  }

  /** A file describes its columns once, so ours may be null where its own may. */
  async #fit(footer: FooterOfFile): Promise<void> {
    const { help } = this.options
    const plan = help.plan()
    if (plan === undefined) return
    if (!help.isWritten()) await help.adopt(widened(plan, optionalColumns(footer.schema)))
    await this.#checkSchema(footer)
    this.#fitting = help.plan()
  }

  async required(): Promise<ReadonlySet<string>> {
    const identity = await identityOf(this.#path)
    return identity === null ? new Set() : requiredColumns((await this.#footer(identity.size)).schema)
  }

  protected async checkUnchanged(partitions: readonly StagedPartition[]): Promise<void> {
    const existing = existingOf(partitions)
    const current = await identityOf(this.#path)
    // An attempt before this one began with it.
    if (existing === undefined && current === null && continuesIn(partitions)) this.missing.tell()
    if (existing === undefined || isSameFile(current, existing)) return
    // A crash came right after the rename.
    const announced = partitions.map(({ manifest }) => detailsOf(manifest).announced?.files[0])
    if (announced.some((file) => isSameFile(current, file))) return
    const { output, staging } = this.options
    throw notReady(
      `${output} was changed by another program since this run began to add to it, and would lose that change. Put it back as it was, or delete ${staging} to append to it as it is now.`,
    )
  }

  protected async make(
    partitions: readonly StagedPartition[],
    stages: ReadonlyMap<string, PartitionStage>,
    { signal }: Operation,
  ): Promise<Making> {
    const { output, help } = this.options
    const [first] = partitions as readonly [StagedPartition]
    const plan = this.#planOf(partitions)
    if (plan !== undefined) await help.adopt(plan)
    const lanes: Lane[] = []
    for (const staged of partitions) {
      lanes.push({ staged, contents: await readJournals(staged.log.folder, staged.manifest.parts, output) })
    }
    const existing = existingOf(partitions)
    // There never was a record, so nobody knows the columns but the file, and it stays as it is.
    if (existing !== undefined && help.plan() === undefined) return { files: [], manifest: null, remove: [] }
    const own = existing === undefined ? this.#ownPart(lanes, stages) : null
    const file = own === null ? await OutputFile.create(this.#fresh()) : own.file
    try {
      if (existing !== undefined) await this.#copyExisting(file, existing, signal)
      for (const lane of lanes) await this.#addLane(file, lane, own !== null, signal)
      const mode = await modeOf(this.#path)
      if (mode !== undefined) await file.setMode(mode)
      const finished = await file.finish(await help.schema(signal), keyValues(help.plan()))
      if (own === null) await file.close()
      help.made([finished])
      return this.#making(file.path, finished, first)
    } catch (error) {
      if (own === null) await file.discard()
      else await own.part.forget().catch(() => {}) // its committed rows stay
      throw error
    }
  }

  /** What all partitions were written with. */
  #planOf(partitions: readonly StagedPartition[]): OutputPlan | undefined {
    const [plan, ...others] = partitions.flatMap(({ manifest }) => detailsOf(manifest).output ?? [])
    const different = others.find((other) => columnsDiffering(plan as OutputPlan, other).length > 0)
    if (different === undefined) return plan
    const { output, staging } = this.options
    throw new DroverError(
      'STATE_INVALID',
      `${output}: the partitions of this run were written with different columns, and one file has the same for all. Delete ${staging}, and begin a new run.`,
    )
  }

  #making(from: string, { identity, ...file }: FinishedFile, first: StagedPartition): Making {
    const path = basename(this.#path)
    const files = [{ from, path, identity }]
    const { help, manifestPath } = this.options
    const { run } = first.manifest
    const { createdAt } = detailsOf(first.manifest)
    const plan = help.plan()
    const schema = plan === undefined ? noColumns : schemaOf(plan)
    const remove: OwnFile[] = []
    const { rows } = file
    const manifest =
      manifestPath === null
        ? null
        : ({
            version: 1,
            writer: 'drover',
            run,
            createdAt,
            schema,
            partitionBy: [],
            rows,
            files: [{ path, ...file }],
          } as const)
    return { files, manifest, remove }
  }

  async #addLane(file: OutputFile, { staged, contents }: Lane, isOwn: boolean, signal: AbortSignal): Promise<void> {
    const { help, output } = this.options
    const { folder } = staged.log
    if (!isOwn) await copyGroups(file, folder, contents, output, signal)
    for (const pending of contents.pending.values()) {
      for await (const group of tailGroups(help, { output, folder }, pending, signal)) await file.add(group)
    }
  }

  /** The only part becomes the output: this session alone ever had it open, so nobody can write to it any more. */
  #ownPart(lanes: readonly Lane[], stages: ReadonlyMap<string, PartitionStage>): OwnPart | null {
    const [lane, ...others] = lanes
    if (lane === undefined || others.length > 0) return null
    const { manifest } = lane.staged
    const part = stages.get(manifest.partition.id)?.partOf(dataKind)
    const hash = this.options.help.hashOf(manifest.partition.id)
    const [only, ...more] = manifest.parts.filter(({ kind }) => kind === dataKind)
    if (part == null || hash === undefined || only?.name !== part.name || more.length > 0) return null
    const groups = lane.contents.groups.map(({ at, footer }): PlacedGroup => ({ at, footer }))
    return { part, file: OutputFile.of(part.path, part.handle, { end: only.length, hash, groups }) }
  }

  async #copyExisting(file: OutputFile, existing: ExistingOutput, signal: AbortSignal): Promise<void> {
    const footer = await this.#footer(existing.size)
    await this.#checkSchema(footer)
    const handle = await open(this.#path, 'r')
    try {
      await file.copyStart(handle, existing.length, footer.groups, signal)
    } finally {
      await handle.close()
    }
  }

  async #footer(size: number): Promise<FooterOfFile> {
    const { output } = this.options
    const handle = await open(this.#path, 'r')
    try {
      return await readFooterOf(handle, size, output)
    } catch (error) {
      if (!DroverError.isInstance(error, 'SOURCE_INVALID')) throw error
      throw new DroverError(
        'SINK_NOT_READY',
        `Nothing can be appended to ${output}: ${error.message} Move it away, or let it be replaced with onExisting: 'replace'.`,
        { cause: error },
      )
    } finally {
      await handle.close()
    }
  }

  async #checkSchema({ schema }: FooterOfFile): Promise<void> {
    const { help, output } = this.options
    const difference = schemaDifference(schema, await help.schema(new AbortController().signal))
    if (difference === null) return
    const remedy = difference.isOfNulls
      ? 'One file has either, and what is in it stays as it is: have the source describe the column as never null, write a folder instead (a data set, whose files may differ in this), or replace the file'
      : "Name the columns' types with types, write to another file, or replace it"
    throw notReady(
      `Nothing can be appended to ${output}, which ${difference.is}. ${remedy} with onExisting: 'replace'.`,
    )
  }

  /** What stands in the place of the manifest must be one. */
  async #checkManifest(): Promise<void> {
    const { manifestPath, output } = this.options
    if (manifestPath === null) return
    const found = await readManifest(manifestPath)
    if (!(found instanceof NoManifest)) return
    throw notReady(
      `${output}.manifest.json, where the manifest is to be written, ${found.is}. Move it away, or write none with manifest: false.`,
    )
  }

  #fresh(): string {
    return `${this.options.staging}/${randomUUID()}${assembling}`
  }
}

interface Lane {
  readonly staged: StagedPartition
  readonly contents: LaneContents
}

interface OwnPart {
  readonly part: PartFile
  readonly file: OutputFile
}

function existingOf(partitions: readonly StagedPartition[]): ExistingOutput | undefined {
  return partitions.find(({ manifest }) => manifest.existing !== undefined)?.manifest.existing
}

/** Copies the row groups of a lane, of all its folders. */
async function copyGroups(
  file: OutputFile,
  folder: string,
  { groups }: LaneContents,
  output: string,
  signal: AbortSignal,
): Promise<void> {
  for (let i = 0; i < groups.length; ) {
    const { data } = groups[i] as (typeof groups)[number]
    const handle = await openPart(`${folder}/${data}`, output)
    try {
      for (; groups[i]?.data === data; i++) {
        const { at, footer } = groups[i] as (typeof groups)[number]
        await file.copyGroup(handle, at, footer, signal)
      }
    } finally {
      await handle.close()
    }
  }
}

/** What the file's own metadata say, so that the source gives the very types back. */
export function keyValues(plan: Parameters<typeof schemaOf>[0] | undefined): Record<string, string> {
  if (plan === undefined) return {}
  const { fields, key } = schemaOf({ ...plan, partition: [] })
  const own = new Set(fields.map(({ name }) => name))
  return { 'drover.schema': JSON.stringify({ fields, key: key.every((name) => own.has(name)) ? key : [] }) }
}
