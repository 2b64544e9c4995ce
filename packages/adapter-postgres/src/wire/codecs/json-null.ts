/** JSON's own null as the whole value of a json column, which is not NULL: `'null'::jsonb IS NULL` is false. */
class JsonNull {
  toJSON(): null {
    return null
  }
}

/**
 * What a json or jsonb column gives for the JSON value `null`, and takes for it; plain `null` is NULL. In JSON and in files
 * it becomes null.
 */
export const jsonNull: object = Object.freeze(new JsonNull())
