import { execFile } from 'node:child_process'
import { rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Contest } from './contest.js'
import { type Bench, checkpoints, shell } from './drover.js'
import type { PostgresBench } from './postgres-bench.js'

export const checkpointNames = ['langgraph-json'] as const

const run = promisify(execFile)
const fixture = fileURLToPath(new URL('../../packages/checkpoints/fixtures/langgraph/postgres.sql', import.meta.url))

/** Checkpoints of the fixture, each in so many copies of its thread. */
const [distinct, copies] = [18, 3000]
const perSecond = 5000

/** The library's own SELECT, without what it does with its rows. */
const librarySelect = `SELECT thread_id, checkpoint, checkpoint_ns, checkpoint_id, parent_checkpoint_id, metadata,
  (SELECT array_agg(ARRAY[bl.channel::bytea, bl.type::bytea, bl.blob]) FROM jsonb_each_text(checkpoint -> 'channel_versions')
    JOIN checkpoint_blobs bl ON bl.thread_id = checkpoints.thread_id AND bl.checkpoint_ns = checkpoints.checkpoint_ns
      AND bl.channel = jsonb_each_text.key AND bl.version = jsonb_each_text.value),
  (SELECT array_agg(ARRAY[cw.task_id::bytea, cw.channel::bytea, cw.type::bytea, cw.blob]) FROM checkpoint_writes cw
    WHERE cw.thread_id = checkpoints.thread_id AND cw.checkpoint_ns = checkpoints.checkpoint_ns AND cw.checkpoint_id = checkpoints.checkpoint_id)
  FROM checkpoints`

/** LangGraph in PostgreSQL, as JSON with all values decoded. */
export async function checkpointContests({ folder }: Bench, postgres: PostgresBench): Promise<Contest[]> {
  const url = postgres.url('checkpoints')
  await postgres.renew('checkpoints', 'template0')
  await run('psql', ['-qX', '-v', 'ON_ERROR_STOP=1', url, '-f', fixture, ...multiplied.flatMap((sql) => ['-c', sql])])
  const place = path.join(folder, 'checkpoints')
  const csv = path.join(folder, 'checkpoints.csv')
  const total = distinct * copies
  return [
    {
      name: 'langgraph-json',
      title: `LangGraph in PostgreSQL → JSON, ${total} checkpoints (goal: ${perSecond}/s, ${(total / perSecond).toFixed(1)} s)`,
      contenders: [
        shell(
          `psql, the library's own SELECT into CSV, nothing decoded`,
          `psql -qX "${url}" -c "\\copy (${librarySelect.replaceAll('\n', ' ')}) TO '${csv}' CSV"`,
        ),
        checkpoints('checkpointSource → checkpointJsonSink', 'json', { url, outputDir: place }),
      ],
      reset: async () => {
        await rm(place, { recursive: true, force: true })
        await rm(csv, { force: true })
      },
      size: async ({ name }) => {
        const file = name.startsWith('psql') ? csv : path.join(place, 'checkpoints_export.json')
        return (await stat(file)).size
      },
    },
  ]
}

/** Threads of other names with the same checkpoints. */
const multiplied = [
  `INSERT INTO checkpoints SELECT i || '-' || thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata
   FROM checkpoints, generate_series(2, ${copies}) AS i`,
  `INSERT INTO checkpoint_blobs SELECT i || '-' || thread_id, checkpoint_ns, channel, version, type, blob
   FROM checkpoint_blobs, generate_series(2, ${copies}) AS i`,
  `INSERT INTO checkpoint_writes SELECT i || '-' || thread_id, checkpoint_ns, checkpoint_id, task_id, idx, channel, type, blob, task_path
   FROM checkpoint_writes, generate_series(2, ${copies}) AS i`,
  `CLUSTER checkpoints USING checkpoints_pkey`,
  `VACUUM (ANALYZE)`,
]
