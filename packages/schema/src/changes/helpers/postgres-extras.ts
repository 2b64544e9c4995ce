import type { Steps } from '../../contracts/steps.js'
import { quoteName, quoteText } from '../../sql/quote.js'

/** What a relation of PostgreSQL has besides its definition: its owner, rights and comments. */
export interface Extras {
  readonly owner: string
  readonly rights: readonly Right[]
  readonly comment: string | null
  readonly columns: readonly { readonly name: string; readonly comment: string }[]
}

interface Right {
  /** As GRANT takes it. */
  readonly grantee: string
  readonly privilege: string
  readonly isGrantable: boolean
  readonly column: string | null
}

/** @param relation As SQL names it. */
export async function readExtras(steps: Steps, relation: string): Promise<Extras> {
  const id = `${quoteText(relation, 'postgres')}::regclass`
  const [about] = await steps.read(
    `SELECT pg_catalog.pg_get_userbyid(relowner) AS owner, pg_catalog.obj_description(oid, 'pg_class') AS comment FROM pg_catalog.pg_class WHERE oid = ${id}`,
  )
  const columns = await steps.read(
    `SELECT attname AS name, pg_catalog.col_description(attrelid, attnum) AS comment FROM pg_catalog.pg_attribute
WHERE attrelid = ${id} AND attnum > 0 AND NOT attisdropped AND pg_catalog.col_description(attrelid, attnum) IS NOT NULL ORDER BY attnum`,
  )
  const rights = await steps.read(
    `SELECT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(acl.grantee)) END AS grantee,
  acl.privilege_type AS privilege, acl.is_grantable AS "isGrantable", given.name AS column
FROM (SELECT NULL AS name, relacl AS acl, relowner AS owner FROM pg_catalog.pg_class WHERE oid = ${id}
  UNION ALL SELECT a.attname, a.attacl, c.relowner FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
    WHERE a.attrelid = ${id} AND a.attnum > 0 AND NOT a.attisdropped) AS given, pg_catalog.aclexplode(given.acl) AS acl
WHERE acl.grantee <> given.owner`,
  )
  return {
    owner: String(about?.owner),
    comment: about?.comment === null || about === undefined ? null : String(about.comment),
    columns: columns.map(({ name, comment }) => ({ name: String(name), comment: String(comment) })),
    rights: rights.map((row) => ({
      grantee: String(row.grantee),
      privilege: String(row.privilege),
      isGrantable: row.isGrantable === true,
      column: row.column === null ? null : String(row.column),
    })),
  }
}

/** Gives a new relation what the old one had. Rights that default privileges gave it go. */
export async function restoreExtras(
  steps: Steps,
  by: string,
  kind: 'TABLE' | 'VIEW' | 'MATERIALIZED VIEW' | 'SEQUENCE',
  relation: string,
  old: Extras,
): Promise<void> {
  const run = async (sql: string): Promise<void> => void (await steps.run(sql, { by }))
  const now = await readExtras(steps, relation)
  const columns = new Set(
    (
      await steps.read(
        `SELECT attname AS name FROM pg_catalog.pg_attribute WHERE attrelid = ${quoteText(relation, 'postgres')}::regclass AND attnum > 0 AND NOT attisdropped`,
      )
    ).map(({ name }) => String(name)),
  )
  if (now.owner !== old.owner) await run(`ALTER ${kind} ${relation} OWNER TO ${quoteName(old.owner)}`)
  const object = kind === 'SEQUENCE' ? `SEQUENCE ${relation}` : `TABLE ${relation}`
  const said = ({ grantee, privilege, column }: Right): string => `${grantee} ${privilege} ${column ?? ''}`
  const what = ({ privilege, column }: Right): string =>
    column === null ? privilege : `${privilege} (${quoteName(column)})`
  const had = new Set(old.rights.map(said))
  const has = new Set(now.rights.map(said))
  for (const right of now.rights) {
    if (!had.has(said(right))) await run(`REVOKE ${what(right)} ON ${object} FROM ${right.grantee}`)
  }
  for (const right of old.rights) {
    if (has.has(said(right)) || (right.column !== null && !columns.has(right.column))) continue
    await run(`GRANT ${what(right)} ON ${object} TO ${right.grantee}${right.isGrantable ? ' WITH GRANT OPTION' : ''}`)
  }
  if (old.comment !== null) await run(`COMMENT ON ${kind} ${relation} IS ${quoteText(old.comment, 'postgres')}`)
  for (const { name, comment } of old.columns) {
    if (!columns.has(name)) continue
    await run(`COMMENT ON COLUMN ${relation}.${quoteName(name)} IS ${quoteText(comment, 'postgres')}`)
  }
}
