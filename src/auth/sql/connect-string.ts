import { SQL_LIMITS, SqlConnectError } from './client.ts'

/** A connect string of several servers, taken apart: what each `host=` gets, and what all get. */
export interface ConnectString {
  readonly hosts: readonly string[]
  readonly maxConnections: number
  /** Everything but `host` and `maxconns`; the last one of a name wins. */
  readonly options: ReadonlyMap<string, string>
}

/** Blank-separated `key=value` without quoting. `host=` may stand several times; so may a bare path of a socket. */
export function parseConnectString(text: string, driver: string): ConnectString {
  const hosts: string[] = []
  const options = new Map<string, string>()
  let maxConnections: number = SQL_LIMITS.maxConnections
  for (const word of text.split(/[ \t]+/).filter((part) => part !== '')) {
    const equals = word.indexOf('=')
    const key = equals < 0 ? word : word.slice(0, equals)
    const value = word.slice(equals + 1)
    if (equals < 0 && word.startsWith('/')) hosts.push(word)
    else if (equals < 0) throw new SqlConnectError(`${driver}: Missing value in connect string: ${word}`)
    else if (key === 'maxconns') maxConnections = positive(value, 'maxconns', driver)
    else if (key === 'host') hosts.push(value)
    else options.set(key, value)
  }
  return { hosts, maxConnections, options }
}

function positive(value: string, key: string, driver: string): number {
  const number = /^\d{1,6}$/.test(value) ? Number(value) : 0
  if (number === 0) throw new SqlConnectError(`${driver}: Invalid value for ${key}: ${value}`)
  return number
}
