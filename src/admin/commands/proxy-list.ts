import type { Column } from '../output/printer.ts'
import { openTable } from '../output/table.ts'
import { type Command, SOCKET_OPTION } from './command.ts'
import { askSessions, filterOf } from './session-list.ts'

const DESTINATION: readonly Column[] = [
  { key: 'service', title: 'proto' },
  { key: 'src-ip', title: 'src ip' },
  { key: 'dest-ip', title: 'dest ip' },
  { key: 'dest-port', title: 'port' },
]

/** `proxy list`: every proxied session and where it goes. */
export const proxyList: Command = {
  name: 'proxy list',
  usage: '',
  summary: 'Show proxied sessions and their backends.',
  details: [
    "The user is the name after authentication, not the backend's (`destuser`). Alternative names of the passdb (`user_x`) have columns of their own.",
    'Sessions that are still logging in to a backend are included, without an address. Sessions that wait for their delayed end (`login_proxy_max_disconnect_delay`) are not.',
  ],
  options: [SOCKET_OPTION],
  columns: [{ key: 'username', title: 'username' }, ...DESTINATION],
  async run(call) {
    const { status, sessions } = await askSessions(call, filterOf({ states: ['proxied', 'backend-login'] }))
    const names = [...new Set(sessions.flatMap(({ alternatives }) => [...alternatives.keys()]))].sort()
    const users = ['username', ...names].map((name) => ({ key: name, title: name, expand: true }))
    const printer = call.out.open([...users, ...DESTINATION], openTable)
    for (const { user, alternatives, service, remoteIp, destIp, destPort } of sessions) {
      const others = names.map((name) => alternatives.get(name) ?? '')
      printer.row([user, ...others, service, remoteIp, destIp, destPort])
    }
    printer.end()
    return status
  },
}
