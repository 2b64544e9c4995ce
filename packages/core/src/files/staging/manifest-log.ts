import { rm } from 'node:fs/promises'
import { createFile, makeFolder, namesIn, readIfThere, syncFolder } from '../../disk/durable.js'
import { systemCode } from '../../disk/file-error.js'
import { type Manifest, parseManifest } from './manifest.js'

const fileName = /^(\d+)\.json$/

/** What a folder of manifests says. */
export interface Standing {
  /** The highest number in use, also by a torn manifest; 0 if there is none. */
  readonly top: number
  /** The highest one that is whole. */
  readonly head: Manifest | null
  readonly headNumber: number
}

/**
 * The numbered manifests of one partition. Each is created exclusively and never changed; the highest whole one counts.
 *
 * Why two writers cannot both succeed: a number is given once, and who got it looks afterwards whether a higher one is
 * there. Without that look a writer that slept since before its number was used and pruned could create it again.
 */
export class ManifestLog {
  constructor(readonly folder: string) {}

  async standing(): Promise<Standing> {
    const numbers = await this.#numbers()
    const top = numbers[0] ?? 0
    for (const number of numbers) {
      const text = await readIfThere(this.#path(number))
      const head = text === null ? undefined : parseManifest(text)
      if (head !== undefined) return { top, head, headNumber: number }
    }
    return { top, head: null, headNumber: 0 }
  }

  /** Stores a manifest durably; false if its number is taken, or a higher one is there. */
  async append(number: number, manifest: Manifest): Promise<boolean> {
    try {
      await createFile(this.#path(number), `${JSON.stringify(manifest)}\n`)
      await syncFolder(this.folder)
    } catch (error) {
      // Without its folder it belongs to a run whose output was finished by another one.
      if (systemCode(error) === 'EEXIST' || systemCode(error) === 'ENOENT') return false
      throw error
    }
    return (await this.#numbers())[0] === number
  }

  async make(): Promise<void> {
    await makeFolder(this.folder)
  }

  /** Removes all manifests below `number` but the one before it, which says what was before when someone has to look. */
  async prune(number: number): Promise<void> {
    const below = (await this.#numbers()).filter((other) => other < number)
    for (const other of below.slice(1)) await rm(this.#path(other), { force: true })
  }

  /** Highest first. */
  async #numbers(): Promise<number[]> {
    const numbers: number[] = []
    for (const name of await namesIn(this.folder)) {
      const [, digits] = fileName.exec(name) ?? []
      if (digits !== undefined) numbers.push(Number(digits))
    }
    return numbers.sort((a, b) => b - a)
  }

  #path(number: number): string {
    return `${this.folder}/${number}.json`
  }
}
