/** `chat.calls` as `"chat"."calls"`: a dot divides the schema from the name. */
export function quoteTable(name: string): string {
  return name.split('.').map(quoteName).join('.')
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text as SQL has it in both databases. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
