/** Which of the tables a layout in PostgreSQL lies in are read, and how. */
export interface PostgresShape {
  /** Undefined: the tables are found by `search_path`. */
  readonly schema: string | undefined
  /** Only the last checkpoint of a thread is kept, and of each channel one value. */
  readonly isShallow: boolean
  /** Writes have a path. */
  readonly hasTaskPath: boolean
}

/** A table of the schema, as SQL names it. */
export function tableSql(schema: string | undefined, name: string): string {
  return schema === undefined ? quoted(name) : `${quoted(schema)}.${quoted(name)}`
}

/**
 * Checkpoints with the values of their channels and their writes, a row each: what the library's own SELECT joins, with parallel arrays. A
 * checkpoint that is no object is a row without values, which is rejected where it is decoded, and not the end of the statement.
 *
 * LIMIT keeps each value a look-up by its whole key: joined, PostgreSQL may read all values of a thread for each of its checkpoints. A value that
 * stands inline has none by itself, unless it is the `true` of a delta's snapshot.
 */
export function checkpointsQuery({ schema, isShallow, hasTaskPath }: PostgresShape): string {
  const id = isShallow ? `c.checkpoint ->> 'id'` : 'c.checkpoint_id'
  const parent = isShallow ? 'NULL::text' : 'c.parent_checkpoint_id'
  const path = hasTaskPath ? 'task_path' : `''::text`
  return `SELECT c.thread_id, c.checkpoint_ns, ${id} AS checkpoint_id, ${parent} AS parent_checkpoint_id,
  CASE WHEN jsonb_typeof(c.checkpoint) = 'object' THEN c.checkpoint - 'channel_values' ELSE c.checkpoint END AS checkpoint,
  c.checkpoint -> 'channel_values' AS inline, c.metadata, b.channels, b.types, b.blobs,
  w.tasks AS write_tasks, w.paths AS write_paths, w.places AS write_places, w.channels AS write_channels, w.types AS write_types, w.blobs AS write_blobs
FROM ${tableSql(schema, 'checkpoints')} AS c
LEFT JOIN LATERAL (
  SELECT array_agg(v.key) AS channels, array_agg(bl.type) AS types, array_agg(bl.blob) AS blobs
  FROM jsonb_each_text(CASE WHEN jsonb_typeof(c.checkpoint -> 'channel_versions') = 'object' THEN c.checkpoint -> 'channel_versions' END) AS v
  CROSS JOIN LATERAL (
    SELECT type, blob FROM ${tableSql(schema, 'checkpoint_blobs')} AS k
    WHERE k.thread_id = c.thread_id AND k.checkpoint_ns = c.checkpoint_ns AND k.channel = v.key${isShallow ? '' : ' AND k.version = v.value'} LIMIT 1
  ) AS bl
  WHERE c.checkpoint -> 'channel_values' -> v.key IS NULL OR c.checkpoint -> 'channel_values' -> v.key = 'true'
) AS b ON true
LEFT JOIN LATERAL (
  SELECT array_agg(task_id) AS tasks, array_agg(${path}) AS paths, array_agg(idx) AS places, array_agg(channel) AS channels,
    array_agg(type) AS types, array_agg(blob) AS blobs
  FROM ${tableSql(schema, 'checkpoint_writes')} AS cw
  WHERE cw.thread_id = c.thread_id AND cw.checkpoint_ns = c.checkpoint_ns AND cw.checkpoint_id = ${id}
) AS w ON true`
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
