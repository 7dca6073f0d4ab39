import { openTable } from '../output/table.ts'
import type { Column } from '../output/printer.ts'
import type { NamedSession } from '../session-row.ts'
import { type Command, SOCKET_OPTION } from './command.ts'
import { askSessions, filterOf, maskAndNetwork } from './session-list.ts'

const USERS: readonly Column[] = [
  { key: 'username', title: 'username' },
  { key: 'connections', title: '#' },
  { key: 'service', title: 'proto' },
  { key: 'pids', title: '(pids)' },
  { key: 'ips', title: '(ips)' },
]

const CONNECTIONS: readonly Column[] = [
  { key: 'username', title: 'username', expand: true },
  { key: 'service', title: 'proto' },
  { key: 'pid', title: 'pid' },
  { key: 'ip', title: 'ip' },
]

/** `who`: users and protocols, or every connection. */
export const who: Command = {
  name: 'who',
  usage: '[-1] [<user mask>] [<ip/bits>]',
  summary: 'Show who is logged in, proxied sessions included.',
  details: [
    'Lists users with their number of connections in each protocol, the processes that serve them and the addresses they come from.',
    'A mask may hold `*` and `?`; upper and lower case are the same.',
  ],
  options: [{ letter: '1', doc: 'One line for each connection.' }, SOCKET_OPTION],
  columns: USERS,
  async run(call) {
    const filter = filterOf({ ...maskAndNetwork(call.words), states: ['proxied', 'local'] })
    const { status, sessions } = await askSessions(call, filter)
    const isSplit = call.has('1')
    const printer = call.out.open(isSplit ? CONNECTIONS : USERS, openTable)
    const rows = isSplit ? sessions.map(connectionRow) : groups(sessions)
    for (const row of rows) printer.row(row)
    printer.end()
    return status
  },
}

function connectionRow({ user, service, pid, remoteIp }: NamedSession): readonly string[] {
  return [user, service, pid, remoteIp]
}

/** One row for each user and protocol. The sessions come sorted. */
function* groups(sessions: readonly NamedSession[]): Generator<readonly string[]> {
  let at = 0
  while (at < sessions.length) {
    const first = sessions[at]
    if (first === undefined) return
    const pids = new Set<string>()
    const ips = new Set<string>()
    const from = at
    for (; isSame(sessions[at], first); at++) {
      pids.add(sessions[at]?.pid ?? '')
      ips.add(sessions[at]?.remoteIp ?? '')
    }
    yield [first.user, String(at - from), first.service, `(${[...pids].join(' ')})`, `(${[...ips].join(' ')})`]
  }
}

function isSame(left: NamedSession | undefined, right: NamedSession): boolean {
  return left !== undefined && left.user === right.user && left.service === right.service
}
