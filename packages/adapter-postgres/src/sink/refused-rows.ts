import { DroverError, joinRefusals } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { quoteText } from '../connection/quote-name.js'
import { postgresError } from '../errors/postgres-error.js'
import { insertFrom, type Merge } from './merge-sql.js'

/** Rows that are tried together: with fewer, subtransactions count; with more, rows are tried twice for the one among them that is refused. */
const blockSize = 32

interface Refused {
  /** In the stage, from 0. */
  readonly place: number
  readonly code: string
  readonly message: string
  readonly detail: string
  readonly constraint: string
}

/**
 * Which rows of a stage the table refuses, one error that names all of them. The server takes the rows one by one, in the order in
 * which they came, and leaves out those that it refuses; so its own indexes, constraints and triggers say it, whatever they are. What
 * they become has to be rolled back.
 *
 * @param first Place in the batch of the stage's first row.
 * @returns undefined if none can be named.
 */
export async function refusedRows(
  connection: PostgresConnection,
  merge: Merge,
  { doing, first }: { readonly doing: string; readonly first: number },
): Promise<DroverError | undefined> {
  await connection.exec(functionSql(merge), { doing })
  const { rows } = await connection.query<{ refused: Refused }>(
    `SELECT refused FROM ${functionName}() AS refused`,
    [],
    {
      doing,
    },
  )
  const errors: DroverError[] = []
  for (const { refused } of rows) {
    const { place, message, ...said } = refused
    const cause = Object.assign(new Error(message), { ...said, severity: 'ERROR' })
    const error = postgresError(cause, doing)
    // It is not the row that is to blame, and what comes behind it may be a consequence.
    if (error.code !== 'RECORD_REFUSED') break
    errors.push(new DroverError(error.code, error.message, { row: first + place, cause }))
  }
  return joinRefusals(errors)
}

const functionName = 'pg_temp.drover_refused_rows'

/**
 * A subtransaction for each block of rows, and, where it fails, for each of its rows. The columns of the table may be called as they
 * like, so variables are called as no column is.
 */
function functionSql(merge: Merge): string {
  const { stage, table } = merge
  const body = `
    #variable_conflict use_column
    DECLARE
      "drover rows" tid[] := ARRAY(SELECT ctid FROM ${stage} ORDER BY ctid);
      "drover block" tid[];
      "drover row" tid;
      "drover first" int := 1;
      "drover place" int;
      "drover doubt" bool := false;
      "drover said" text;
      "drover detail" text;
      "drover constraint" text;
    BEGIN
      WHILE "drover first" <= cardinality("drover rows") LOOP
        "drover block" := "drover rows"["drover first" : "drover first" + ${blockSize - 1}];
        BEGIN
          ${insertFrom(merge, `${stage} WHERE ctid = ANY ("drover block")`)};
        EXCEPTION WHEN OTHERS THEN
          ${unlessRefused}
          "drover place" := "drover first" - 1;
          FOREACH "drover row" IN ARRAY "drover block" LOOP
            BEGIN
              ${insertFrom(merge, `${stage} WHERE ctid = "drover row"`)};
            EXCEPTION WHEN OTHERS THEN
              ${unlessRefused}
              -- The row that it refers to may be one of those that come behind it. What is said of later ones without it holds only
              -- where other rows have no part in it.
              "drover doubt" := "drover doubt" OR SQLSTATE = '23503' AND ${refersToItself(table.oid)};
              IF NOT "drover doubt" OR SQLSTATE IN ('23502', '23514') OR SQLSTATE LIKE '22%' THEN
                GET STACKED DIAGNOSTICS "drover said" = MESSAGE_TEXT, "drover detail" = PG_EXCEPTION_DETAIL,
                  "drover constraint" = CONSTRAINT_NAME;
                RETURN NEXT pg_catalog.jsonb_build_object('place', "drover place", 'code', SQLSTATE, 'message', "drover said",
                  'detail', "drover detail", 'constraint', "drover constraint");
              END IF;
            END;
            "drover place" := "drover place" + 1;
          END LOOP;
        END;
        "drover first" := "drover first" + ${blockSize};
      END LOOP;
    END`
  return `CREATE OR REPLACE FUNCTION ${functionName}() RETURNS SETOF jsonb LANGUAGE plpgsql AS ${quoteText(body)}`
}

/** What is the matter with the server, or with the moment, is not asked of each row. */
const unlessRefused = `IF left(SQLSTATE, 2) IN ('08', '25', '40', '53', '55', '57', '58', 'XX') THEN RAISE; END IF;`

function refersToItself(oid: number | null): string {
  return `EXISTS (SELECT FROM pg_catalog.pg_constraint AS c WHERE c.contype = 'f' AND c.conrelid = ${oid ?? 'NULL'}
    AND (c.confrelid = c.conrelid OR c.confrelid IN (SELECT pg_catalog.pg_partition_ancestors(c.conrelid))))`
}
