import { documentShape } from './document/document-shape.js'
import { pipelineShape } from './pipeline-shape.js'
import { type JsonSchema, schemaOf } from './shape/json-schema.js'

/** The JSON Schema of a pipeline's file: what `schema.json` of this package holds, for editors. */
export function pipelineSchema(): JsonSchema {
  return schemaOf([pipelineShape, documentShape], {
    title: 'A pipeline of Drover',
    description:
      'What `drover run` reads: name, source, sink, and what happens between them; or a migration of checkpoints: source_type, destination_type, and where they are.',
  })
}
