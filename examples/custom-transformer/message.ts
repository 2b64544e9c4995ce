/** A message as the database has it, as far as this pipeline reads it. */
export interface Message {
  id: number
  call_id: string
  role: string
  content: string
}
