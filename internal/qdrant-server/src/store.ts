import { Collection } from './collection.js'
import { isObject, type Json, type JsonObject } from './json-scanner.js'
import { badBody, noCollection, Refusal } from './refusal.js'

/** All collections of a server, and their aliases. */
export class Store {
  readonly collections = new Map<string, Collection>()
  readonly #aliases = new Map<string, string>()

  /** @param delayMs How long an update without `wait` stays unseen. */
  constructor(private readonly delayMs: number) {}

  /** By its name or an alias. @throws Refusal */
  collection(name: string): Collection {
    const collection = this.collections.get(this.#aliases.get(name) ?? name)
    if (collection === undefined) throw noCollection(name)
    return collection
  }

  has(name: string): boolean {
    return this.collections.has(this.#aliases.get(name) ?? name)
  }

  create(name: string, body: JsonObject): void {
    if (this.has(name)) throw new Refusal(409, `Wrong input: Collection \`${name}\` already exists!`)
    this.collections.set(name, new Collection(name, body, this.delayMs))
  }

  /** Its aliases go with it. */
  delete(name: string): boolean {
    if (!this.collections.delete(name)) return false
    for (const [alias, target] of this.#aliases) if (target === name) this.#aliases.delete(alias)
    return true
  }

  aliasList(): { alias_name: string; collection_name: string }[] {
    return [...this.#aliases].map(([alias_name, collection_name]) => ({ alias_name, collection_name }))
  }

  /** All of them, or none. @throws Refusal */
  changeAliases(actions: readonly Json[]): void {
    const before = new Map(this.#aliases)
    try {
      for (const action of actions) this.#changeAlias(action)
    } catch (error) {
      this.#aliases.clear()
      for (const [alias, name] of before) this.#aliases.set(alias, name)
      throw error
    }
  }

  #changeAlias(action: Json): void {
    const [kind, fields] = isObject(action) ? (Object.entries(action)[0] ?? []) : []
    if (!isObject(fields)) throw badBody('data did not match any variant of untagged enum AliasOperations')
    const { alias_name, collection_name, old_alias_name, new_alias_name } = fields
    if (kind === 'create_alias') {
      const [alias, name] = [String(alias_name), String(collection_name)]
      if (!this.collections.has(name)) throw noCollection(name)
      if (this.collections.has(alias))
        throw new Refusal(409, `Wrong input: Collection with name ${alias} already exists`)
      this.#aliases.set(alias, name)
    } else if (kind === 'delete_alias') this.#aliases.delete(String(alias_name))
    else if (kind === 'rename_alias') {
      const name = this.#aliases.get(String(old_alias_name))
      if (name === undefined) throw new Refusal(404, `Not found: Alias ${old_alias_name} does not exists!`)
      this.#aliases.delete(String(old_alias_name))
      this.#aliases.set(String(new_alias_name), name)
    } else throw badBody('data did not match any variant of untagged enum AliasOperations')
  }
}
