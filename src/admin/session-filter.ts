import { wildcardMatches } from '../util/wildcard.ts'
import { type Networks, parseNetworks } from '../util/ip.ts'

/** Which sessions a command means. An empty list means any; with several lists, each must agree. */
export interface SessionFilter {
  /** Names, or masks with `*` and `?`. */
  readonly users: readonly string[]
  /** Compare `users` with this alternative name (`user_x`) and not with the user's own. */
  readonly field?: string
  /** `Joe` means `joe` too. */
  readonly ignoreCase: boolean
  /** Addresses and networks (CIDR) of clients. */
  readonly networks: readonly string[]
  /** `host` fields of backends, as text. */
  readonly hosts: readonly string[]
  readonly states: readonly SessionState[]
}

export type SessionState = 'login' | 'backend-login' | 'proxied' | 'local'

/** What a filter looks at. */
export interface FilteredSession {
  readonly user: string
  readonly alternatives: ReadonlyMap<string, string>
  readonly state: SessionState
  readonly remoteIp: string
  readonly backend?: { readonly host: string }
}

export const ALL_SESSIONS: SessionFilter = { users: [], ignoreCase: false, networks: [], hosts: [], states: [] }

/** Whoever has a name here: served, proxied, or on the way to a backend. */
export const USER_STATES: readonly SessionState[] = ['backend-login', 'proxied', 'local']

/** Makes the filter's test, ready for thousands of sessions. */
export function compileFilter(filter: SessionFilter): (session: FilteredSession) => boolean {
  const { hosts, states } = filter
  const isUser = userTest(filter)
  const networks: Networks | undefined =
    filter.networks.length === 0 ? undefined : parseNetworks(filter.networks.join(' '))
  return (session) =>
    (states.length === 0 || states.includes(session.state)) &&
    isUser(session) &&
    (networks === undefined || networks.has(session.remoteIp)) &&
    (hosts.length === 0 || (session.backend !== undefined && hosts.includes(session.backend.host)))
}

function userTest({ users, field, ignoreCase }: SessionFilter): (session: FilteredSession) => boolean {
  if (users.length === 0) return () => true
  const folded = (text: string): string => (ignoreCase ? text.toLowerCase() : text)
  const words = users.map(folded)
  const names = new Set(words.filter((word) => !isMask(word)))
  const masks = words.filter(isMask)
  return (session) => {
    const given = field === undefined ? session.user : alternative(session, field)
    if (given === undefined || given === '') return false
    const name = folded(given)
    return names.has(name) || masks.some((mask) => wildcardMatches(name, mask))
  }
}

function isMask(word: string): boolean {
  return word.includes('*') || word.includes('?')
}

/** Dovecot wants the field's whole name; without `user_` it can only be meant that way. */
function alternative({ alternatives }: FilteredSession, field: string): string | undefined {
  return alternatives.get(field) ?? alternatives.get(`user_${field}`)
}

const STATES: readonly SessionState[] = ['login', 'backend-login', 'proxied', 'local']

/** Reads a filter that came over a socket. Throws with a text for the other side. */
export function parseSessionFilter(input: unknown): SessionFilter {
  if (typeof input !== 'object' || input === null) throw new Error('filter is not an object')
  const { users, field, ignoreCase, networks, hosts, states } = input as Readonly<Record<string, unknown>>
  const parsedNetworks = words(networks, 'networks')
  const invalid = parseNetworks(parsedNetworks.join(' ')).invalid
  if (invalid.length > 0) throw new Error(`not an address or network: ${invalid.join(', ')}`)
  return {
    users: words(users, 'users'),
    ...(typeof field === 'string' && { field }),
    ignoreCase: ignoreCase === true,
    networks: parsedNetworks,
    hosts: words(hosts, 'hosts'),
    states: words(states, 'states').filter((state): state is SessionState => STATES.some((known) => known === state)),
  }
}

function words(value: unknown, name: string): readonly string[] {
  if (value === undefined) return []
  if (!Array.isArray(value) || !value.every((word): word is string => typeof word === 'string')) {
    throw new Error(`filter: ${name} is not a list of texts`)
  }
  return value
}
