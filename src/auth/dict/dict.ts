// Dictionaries: keys and values, in a file or in Redis.
import type { Clock, AuthFiles } from '../needs.ts'
import { DatabaseConfigError } from '../passdb/passdb.ts'
import { FileDict } from './file.ts'
import { RedisDict } from './redis.ts'

/** Methods reject with an Error for the log. */
export interface Dict {
  /** The value of a shared key, given without `shared/`; `undefined`: there is none. */
  lookup(key: string): Promise<string | undefined>
  /** Keys that begin so. */
  keys(prefix: string, signal: AbortSignal): AsyncIterable<string>
  check(): Promise<string | undefined>
  close(): void
}

/** Opens `redis:...` or `file:PATH`. Throws DatabaseConfigError. */
export function openDict(uri: string, needs: { readonly files: AuthFiles; readonly clock: Clock }): Dict {
  const [, driver = '', rest = ''] = /^([^:]*):(.*)$/s.exec(uri) ?? []
  switch (driver) {
    case 'file':
      return new FileDict(rest.replace(/:.*$/s, ''), needs)
    case 'redis':
      return new RedisDict(rest, needs.clock)
    default:
      throw new DatabaseConfigError(`dict: Unknown dict module: ${driver === '' ? uri : driver}`)
  }
}

/** A part of a key that came from outside: a slash in it separates nothing. Dovecot's dict_escape_string. */
export function escapeDict(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('/', '\\|')
}

export function unescapeDict(value: string): string {
  return value.replace(/\\(.)/gs, (_, char: string) => (char === '|' ? '/' : char))
}
