/** The package that Node did not find, if that is what failed. */
export function missingPackage(error: unknown): string | undefined {
  const { code, message } = Object(error) as { readonly code?: unknown; readonly message?: unknown }
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return undefined
  return /Cannot find (?:package|module) '([^'./][^']*)'/.exec(String(message))?.[1]
}
