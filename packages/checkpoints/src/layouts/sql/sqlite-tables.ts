/** The layouts in SQLite. */
export type SqliteLayoutName = 'langgraph-sqlite' | 'langgraph-js-sqlite'

/**
 * The tables as the libraries' `setup()` makes them: langgraph-checkpoint-sqlite 3.1.2 and @langchain/langgraph-checkpoint-sqlite 1.0, which has
 * no path of tasks.
 */
export function createStatements(layout: SqliteLayoutName): readonly string[] {
  const path = layout === 'langgraph-sqlite' ? `task_path TEXT NOT NULL DEFAULT '', ` : ''
  const scope = `thread_id TEXT NOT NULL, checkpoint_ns TEXT NOT NULL DEFAULT '', checkpoint_id TEXT NOT NULL`
  return [
    `CREATE TABLE checkpoints (${scope}, parent_checkpoint_id TEXT, type TEXT, checkpoint BLOB, metadata BLOB,
      PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id))`,
    `CREATE TABLE writes (${scope}, task_id TEXT NOT NULL, ${path}idx INTEGER NOT NULL, channel TEXT NOT NULL, type TEXT, value BLOB,
      PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id, task_id, idx))`,
  ]
}

/** Checkpoints with their writes, a row each; the values of writes are hexadecimal, as JSON has no bytes. */
export function checkpointsQuery(hasTaskPath: boolean): string {
  return `SELECT c.thread_id, c.checkpoint_ns, c.checkpoint_id, c.parent_checkpoint_id, c.type, c.checkpoint, c.metadata, (
    SELECT json_group_array(json_array(w.task_id, ${hasTaskPath ? 'w.task_path' : `''`}, w.idx, w.channel, w.type, hex(w.value)))
    FROM writes AS w WHERE w.thread_id = c.thread_id AND w.checkpoint_ns = c.checkpoint_ns AND w.checkpoint_id = c.checkpoint_id
  ) AS writes FROM checkpoints AS c`
}
