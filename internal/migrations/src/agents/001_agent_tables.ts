import { defineMigration } from '@drover/schema'

export default defineMigration({
  id: '001_agent_tables',
  description: 'Routers, planners and workers, version 1',
  up: async ({ sql }) => {
    await sql(`CREATE TABLE routers (
  router_id VARCHAR(32) NOT NULL PRIMARY KEY,
  status VARCHAR(50) NOT NULL,
  model VARCHAR(100),
  temperature FLOAT,
  agent_metadata JSON,
  schema_version INTEGER,
  created_at DATETIME,
  updated_at DATETIME
)`)
    await sql(`CREATE TABLE planners (
  planner_id VARCHAR(32) NOT NULL PRIMARY KEY,
  planner_name VARCHAR(255),
  user_question TEXT NOT NULL,
  instruction TEXT,
  execution_plan TEXT,
  model VARCHAR(100),
  temperature FLOAT,
  failed_task_limit INTEGER,
  status VARCHAR(50) NOT NULL,
  agent_metadata JSON,
  schema_version INTEGER,
  created_at DATETIME,
  updated_at DATETIME
)`)
    await sql(`CREATE TABLE workers (
  worker_id VARCHAR(32) NOT NULL PRIMARY KEY,
  worker_name VARCHAR(255),
  planner_id VARCHAR(32) NOT NULL REFERENCES planners (planner_id),
  task_status VARCHAR(50) NOT NULL,
  task_description TEXT,
  acceptance_criteria JSON,
  task_context JSON,
  task_result TEXT,
  querying_structured_data BOOLEAN,
  image_keys JSON,
  variable_keys JSON,
  tools JSON,
  input_images JSON,
  input_variables JSON,
  output_images JSON,
  output_variables JSON,
  tables JSON,
  filepaths JSON,
  agent_metadata JSON,
  schema_version INTEGER,
  created_at DATETIME,
  updated_at DATETIME
)`)
    await sql(`CREATE TABLE worker_messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  agent_id VARCHAR(32) NOT NULL REFERENCES workers (worker_id) ON DELETE CASCADE,
  role VARCHAR(20) NOT NULL,
  content JSON NOT NULL,
  created_at DATETIME
)`)
    await sql('CREATE INDEX ix_workers_planner_id ON workers (planner_id)')
    await sql('CREATE INDEX ix_workers_task_status ON workers (task_status)')
    await sql('CREATE INDEX ix_worker_messages_agent_id ON worker_messages (agent_id)')
  },
  down: async ({ schema }) => {
    for (const table of ['worker_messages', 'workers', 'planners', 'routers']) await schema.dropTable(table)
  },
})
