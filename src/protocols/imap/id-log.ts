import { sanitize } from '../wire-text.ts'
import type { IdPair } from './wire/id-parameters.ts'

/** The log line for a client's ID, `imap_id_log` being a list of keys or `*`; undefined when there is nothing to log. */
export function idLogLine(setting: string, pairs: readonly IdPair[]): string | undefined {
  const wanted = setting.split(' ').filter((word) => word !== '')
  if (wanted.length === 0) return undefined
  const all = wanted.includes('*')
  const keys = new Set(wanted.map((word) => word.toLowerCase()))
  const logged = pairs.filter(([key]) => all || keys.has(key.toLowerCase()))
  return logged.length === 0 ? undefined : `ID sent: ${logged.map(show).join(', ')}`
}

function show([key, value]: IdPair): string {
  return `${sanitize(key, SHOWN_CHARACTERS)}=${value === null ? 'NIL' : sanitize(value, SHOWN_CHARACTERS)}`
}

const SHOWN_CHARACTERS = 80
