import { isIP } from 'node:net'
import { compareSessions, type NamedSession, readSessionRow } from '../session-row.ts'
import { ALL_SESSIONS, type SessionFilter } from '../session-filter.ts'
import { parseNetworks } from '../../util/ip.ts'
import { type CommandCall, CommandUsageError } from './command.ts'

/** Asks for the sessions that a filter chooses, in an order that is always the same. */
export async function askSessions(
  call: CommandCall,
  filter: SessionFilter,
): Promise<{ readonly status: number; readonly sessions: readonly NamedSession[] }> {
  const sessions: NamedSession[] = []
  const { status } = await call.ask({ command: 'sessions', input: filter }, (row) => sessions.push(readSessionRow(row)))
  return { status, sessions: sessions.sort(compareSessions) }
}

/** One user mask and one network at most, in either order, as Dovecot's `who` and `kick` take them. */
export function maskAndNetwork(words: readonly string[]): Pick<SessionFilter, 'users' | 'networks' | 'ignoreCase'> {
  const { users, networks } = splitWords(words)
  if (users.length > 1) throw new CommandUsageError('Multiple username masks not supported')
  if (networks.length > 1) throw new CommandUsageError('Multiple network masks not supported')
  return { users, networks, ignoreCase: true }
}

/** What is an address or a network, and what can only be a user. */
export function splitWords(words: readonly string[]): Pick<SessionFilter, 'users' | 'networks'> {
  return { users: words.filter((word) => !isNetwork(word)), networks: words.filter(isNetwork) }
}

function isNetwork(word: string): boolean {
  const [address = ''] = word.split('/', 1)
  return isIP(address) !== 0 && parseNetworks(word).invalid.length === 0
}

/** `ALL_SESSIONS` with some of it said. */
export function filterOf(given: Partial<SessionFilter>): SessionFilter {
  return { ...ALL_SESSIONS, ...given }
}
