import type { AuthConnection } from '../auth/auth.ts'
import { normalizeIp } from '../util/ip.ts'

/** What `auth test`, `auth lookup` and `auth explain` ask. Plain data: it crosses sockets. */
export interface AuthQuestion {
  readonly user: string
  /** Without, a lookup. */
  readonly password?: string
  /** Log in as `user` with this name's password. */
  readonly master?: string
  /** `-x`: `key=value` texts about the connection. */
  readonly info: readonly string[]
}

/** Reads a question that came over a socket. Throws with a text for the other side. */
export function parseAuthQuestion(input: unknown): AuthQuestion {
  if (typeof input !== 'object' || input === null) throw new Error('question is not an object')
  const { user, password, master, info } = input as Readonly<Record<string, unknown>>
  if (typeof user !== 'string') throw new Error('question has no user')
  const texts: readonly unknown[] = Array.isArray(info) ? info : []
  return {
    user,
    ...(typeof password === 'string' && { password }),
    ...(typeof master === 'string' && { master }),
    info: texts.filter((text) => typeof text === 'string'),
  }
}

/** Words of `-x` that were understood, and those that were not. */
export interface ReadInfo {
  readonly connection: AuthConnection
  readonly problems: readonly string[]
}

/** The connection that `-x key=value` describes; keys are those of Dovecot's `-x`, and `forward_x`. */
export function connectionFrom(info: readonly string[], defaults: Partial<AuthConnection>): ReadInfo {
  const values = new Map(info.map(splitWord))
  const problems: string[] = []
  const connection = {
    service: values.get('service') ?? defaults.service ?? '',
    session: values.get('session') ?? defaults.session ?? '',
    ...endpoints(values, defaults, problems),
    secured: secured(values) ?? defaults.secured ?? '',
    forward: new Map([...values].filter(isForward).map(([key, value]) => [key.slice(8), value])),
    ...optional('certificateUser', values.get('cert_username')),
    ...optional('localName', values.get('local_name')),
    ...optional('clientId', values.get('client_id')),
  } satisfies AuthConnection
  for (const key of values.keys()) {
    if (!KNOWN_KEYS.has(key) && !isForward([key])) problems.push(`unknown auth info: ${key}`)
  }
  return { connection, problems }
}

/** For help texts. */
export const INFO_KEYS = [
  'service',
  'lip',
  'rip',
  'lport',
  'rport',
  'real_lip',
  'real_rip',
  'real_lport',
  'real_rport',
  'session',
  'secured',
  'cert_username',
  'local_name',
  'client_id',
] as const

const KNOWN_KEYS: ReadonlySet<string> = new Set(INFO_KEYS)

function isForward([key]: readonly string[]): boolean {
  return key?.startsWith('forward_') === true && key.length > 8
}

function splitWord(word: string): [string, string] {
  const at = word.indexOf('=')
  return at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)]
}

/** `secured` alone is what Dovecot knows; `secured=tls` tells TLS from a trusted network. */
function secured(values: ReadonlyMap<string, string>): AuthConnection['secured'] | undefined {
  const value = values.get('secured')
  if (value === undefined) return undefined
  return value.toLowerCase() === 'tls' ? 'TLS' : 'secured'
}

const NOWHERE = { ip: '', port: 0 } as const

function endpoints(
  values: ReadonlyMap<string, string>,
  defaults: Partial<AuthConnection>,
  problems: string[],
): Pick<AuthConnection, 'local' | 'remote' | 'realLocal' | 'realRemote'> {
  const endpoint = (side: string, fallback: { readonly ip: string; readonly port: number }) => ({
    ip: readIp(values.get(`${side}ip`), problems) ?? fallback.ip,
    port: readPort(values.get(`${side}port`), problems) ?? fallback.port,
  })
  const local = endpoint('l', defaults.local ?? NOWHERE)
  const remote = endpoint('r', defaults.remote ?? NOWHERE)
  return { local, remote, realLocal: endpoint('real_l', local), realRemote: endpoint('real_r', remote) }
}

function readIp(text: string | undefined, problems: string[]): string | undefined {
  if (text === undefined) return undefined
  const ip = normalizeIp(text)
  if (ip === undefined) problems.push(`not an address: ${text}`)
  return ip
}

function readPort(text: string | undefined, problems: string[]): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text)
  problems.push(`not a port: ${text}`)
  return undefined
}

function optional<Key extends string>(key: Key, value: string | undefined): { [K in Key]?: string } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]?: string })
}
