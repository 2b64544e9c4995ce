import { Collection } from './collection.js'
import type { JsonObject } from './json-scanner.js'
import { noCollection, Refusal } from './refusal.js'

/** All collections of a server, and their aliases. */
export class Store {
  readonly collections = new Map<string, Collection>()
  readonly aliases = new Map<string, string>()

  /** By its name or an alias. @throws Refusal */
  collection(name: string): Collection {
    const collection = this.collections.get(this.aliases.get(name) ?? name)
    if (collection === undefined) throw noCollection(name)
    return collection
  }

  has(name: string): boolean {
    return this.collections.has(this.aliases.get(name) ?? name)
  }

  create(name: string, body: JsonObject): void {
    if (this.has(name)) throw new Refusal(409, `Wrong input: Collection \`${name}\` already exists!`)
    this.collections.set(name, new Collection(name, body))
  }

  /** Its aliases go with it. */
  delete(name: string): boolean {
    if (!this.collections.delete(name)) return false
    for (const [alias, target] of this.aliases) if (target === name) this.aliases.delete(alias)
    return true
  }
}
