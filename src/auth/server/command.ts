import { sanitize } from '../log-text.ts'
import { AUTH_SERVER_LIMITS } from './limits.ts'
import { splitTabs } from './tab-text.ts'

/** What a client says once it has introduced itself. */
export type ClientCommand =
  | { readonly kind: 'auth'; readonly id: number; readonly mechanism: string; readonly parameters: readonly string[] }
  | { readonly kind: 'cont'; readonly id: number; readonly data: string }
  | { readonly kind: 'cancel'; readonly id: number }
  /** A fault of the client's, for the log: the connection ends. */
  | { readonly kind: 'broken'; readonly text: string }

/** Reads a line of Dovecot's authentication client protocol, version 1.2. */
export function parseCommand(line: string): ClientCommand {
  const [word = ''] = line.split('\t', 1)
  const rest = line.slice(word.length + 1)
  // Without a tab behind it a word is no command.
  switch (line.length === word.length ? '' : word) {
    case 'AUTH':
      return parseAuth(rest)
    case 'CONT':
      return parseCont(rest)
    case 'CANCEL':
      return parseCancel(rest)
    default:
      return broken(`sent unknown command: ${shown(word)}`)
  }
}

/** The version of a `VERSION` line that this server can talk to is 1, whatever the minor one. */
export function parseVersion(line: string): { readonly major: number } | undefined {
  const found = /^VERSION\t(\d{1,9})\t\d{1,9}$/.exec(line)
  return found === null ? undefined : { major: Number(found[1]) }
}

/** The process id of a `CPID` line; 0 when it is none. `undefined`: it is another line. */
export function parseCpid(line: string): number | undefined {
  const found = /^CPID\t(.*)$/.exec(line)
  return found === null ? undefined : (parseId(found[1] ?? '') ?? 0)
}

/** A word of a client's for the log. Never what follows it: there may be passwords. */
export function shown(word: string): string {
  return sanitize(word, AUTH_SERVER_LIMITS.loggedCharacters)
}

function parseAuth(rest: string): ClientCommand {
  const [number = '', mechanism, ...parameters] = splitTabs(rest)
  const id = parseId(number)
  if (id === undefined || id === 0 || mechanism === undefined) return broken('sent broken AUTH request')
  return { kind: 'auth', id, mechanism, parameters }
}

/** What comes behind the number is the response, tabs and all. */
function parseCont(rest: string): ClientCommand {
  const at = rest.indexOf('\t')
  const id = at < 0 ? undefined : parseId(rest.slice(0, at))
  return id === undefined ? broken('sent broken CONT request') : { kind: 'cont', id, data: rest.slice(at + 1) }
}

function parseCancel(rest: string): ClientCommand {
  const id = parseId(rest)
  return id === undefined ? broken('sent broken CANCEL') : { kind: 'cancel', id }
}

/** 32 bits, as Dovecot counts requests. */
function parseId(text: string): number | undefined {
  const id = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  return id <= 0xffff_ffff ? id : undefined
}

function broken(text: string): ClientCommand {
  return { kind: 'broken', text: `BUG: Authentication client ${text}` }
}
