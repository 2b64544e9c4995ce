/** One point of the checklist. */
export interface PreflightItem {
  /** `backup`, `rehearsed` …: what a person confirms it by. */
  readonly name: string
  /** `ask`: only a person can say. */
  readonly status: 'ok' | 'failed' | 'ask'
  /** What was found, and what to do. */
  readonly said: string
}

export function ok(name: string, said: string): PreflightItem {
  return { name, status: 'ok', said }
}

export function failed(name: string, said: string): PreflightItem {
  return { name, status: 'failed', said }
}

export function ask(name: string, said: string): PreflightItem {
  return { name, status: 'ask', said }
}
