import { DroverError } from '@drover/core'
import type { Catalog, CatalogView } from '../../contracts/catalog.js'
import type { Steps } from '../../contracts/steps.js'
import { quoteTable, quoteText } from '../../sql/quote.js'
import { leavesBroken, saidBy, viewsOver } from './dependents.js'
import { type Extras, readExtras, restoreExtras } from './postgres-extras.js'

interface HeldView {
  readonly view: CatalogView
  /** As SQL names it. */
  readonly relation: string
  readonly kind: 'VIEW' | 'MATERIALIZED VIEW'
  readonly extras: Extras
  /** What hangs on it: indexes of a materialized one, triggers, comments on them. */
  readonly behind: readonly string[]
  readonly isPopulated: boolean
}

/**
 * Views over tables that are changed in a way that PostgreSQL refuses while views read them. They are dropped, and made again behind it with their
 * rights, comments, triggers and indexes.
 *
 * @throws `OPTION_INVALID` for a view with rules or defaults of its own
 */
export class ViewsAside {
  private constructor(
    private readonly steps: Steps,
    private readonly by: string,
    private readonly held: readonly HeldView[],
  ) {}

  static async drop(steps: Steps, by: string, catalog: Catalog, tables: readonly string[]): Promise<ViewsAside> {
    const over = new Set(tables.flatMap((table) => viewsOver(catalog, table)))
    const held: HeldView[] = []
    for (const view of inOrder([...over])) held.push(await hold(steps, by, catalog, view))
    for (const { kind, relation } of [...held].reverse()) await steps.run(`DROP ${kind} ${relation}`, { by })
    return new ViewsAside(steps, by, held)
  }

  /** @throws `CONDITION_FAILED` if one lacks something now */
  async restore(): Promise<void> {
    const { steps, by } = this
    for (const { view, relation, kind, extras, behind, isPopulated } of this.held) {
      try {
        await steps.run(`${view.sql}${isPopulated ? '' : ' WITH NO DATA'}`, { by })
      } catch (error) {
        throw leavesBroken(by, [`the view ${view.name} (${saidBy(error)})`])
      }
      await restoreExtras(steps, by, kind, relation, extras)
      for (const sql of behind) await steps.run(sql, { by })
    }
  }
}

async function hold(steps: Steps, by: string, catalog: Catalog, view: CatalogView): Promise<HeldView> {
  const relation = quoteTable(view.name)
  const id = `${quoteText(relation, 'postgres')}::regclass`
  const odd = await steps.read(
    `SELECT 'the rule ' || rulename AS what FROM pg_catalog.pg_rewrite WHERE ev_class = ${id} AND rulename <> '_RETURN'
UNION ALL SELECT 'a default of its own' FROM pg_catalog.pg_attrdef WHERE adrelid = ${id}`,
  )
  if (odd[0] !== undefined) {
    throw new DroverError(
      'OPTION_INVALID',
      `${by}: the view ${view.name} has ${String(odd[0].what)}, which cannot be carried over. Drop the view before and make it anew behind it, in the same revision.`,
    )
  }
  const [about] = await steps.read(`SELECT relispopulated AS "isPopulated" FROM pg_catalog.pg_class WHERE oid = ${id}`)
  const indexes = await steps.read(
    `SELECT pg_catalog.pg_get_indexdef(indexrelid) AS sql FROM pg_catalog.pg_index WHERE indrelid = ${id} ORDER BY indexrelid`,
  )
  const triggers = catalog.triggers.filter((trigger) => trigger.table === view.name)
  return {
    view,
    relation,
    kind: view.isMaterialized ? 'MATERIALIZED VIEW' : 'VIEW',
    extras: await readExtras(steps, relation),
    behind: [...indexes.map(({ sql }) => String(sql)), ...triggers.map(({ sql }) => sql)],
    isPopulated: about?.isPopulated === true,
  }
}

/** Each behind those that it reads. A view that was replaced may read one that is younger. */
function inOrder(views: readonly CatalogView[]): CatalogView[] {
  const ordered: CatalogView[] = []
  const add = (view: CatalogView): void => {
    if (ordered.includes(view)) return
    for (const read of views) if (read !== view && view.reads.includes(read.name)) add(read)
    ordered.push(view)
  }
  for (const view of views) add(view)
  return ordered
}
