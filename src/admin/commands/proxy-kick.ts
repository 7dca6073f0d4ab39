import type { Column } from '../output/printer.ts'
import { sentencePrinter } from '../output/sentence.ts'
import type { SessionFilter } from '../session-filter.ts'
import { type Command, type CommandCall, CommandUsageError, EXIT, SOCKET_OPTION } from './command.ts'
import { filterOf, splitWords } from './session-list.ts'

const COLUMNS: readonly Column[] = [{ key: 'count', title: 'count' }]

/** `proxy kick`: ends proxied sessions by user, client address or backend. */
export const proxyKick: Command = {
  name: 'proxy kick',
  usage: '[-f <passdb field>] [-h <host> [...] | <user|ip/bits> [...]]',
  summary: 'End proxied sessions, by user, client address or backend.',
  details: [
    'Users are exact names, or masks with `*` and `?`. What is an address or a network means clients that come from there; with users and networks, sessions must match both.',
    'Sessions that are still logging in to a backend are ended too, by user and address; by host they are not, as they may yet go to another.',
  ],
  options: [
    { letter: 'f', value: 'passdb field', doc: 'Compare users with this alternative name of the passdb (`user_x`).' },
    { letter: 'h', value: 'host', doc: 'Backends by the text of their `host` field, not their address.' },
    SOCKET_OPTION,
  ],
  columns: COLUMNS,
  statuses: [[EXIT.notFound, 'No session was ended. (Dovecot: 0.)']],
  async run(call) {
    const input = filterOf({ ...chosen(call), states: ['proxied', 'backend-login'] })
    let count = 0
    const { status } = await call.ask({ command: 'kick', input }, () => count++)
    const printer = call.out.open(COLUMNS, counted)
    printer.row([String(count)])
    printer.end()
    return status
  },
}

const counted = sentencePrinter(([count]) => `${count} connections kicked\n`)

function chosen(call: CommandCall): Partial<SessionFilter> {
  const hosts = call.values('h')
  if (hosts.length > 0) return { hosts: [...hosts, ...call.words] }
  if (call.words.length === 0) throw new CommandUsageError('')
  const field = call.value('f')
  return { ...splitWords(call.words), ...(field !== undefined && { field }) }
}
