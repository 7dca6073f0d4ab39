import type { Column } from '../output/printer.ts'
import { sentencePrinter } from '../output/sentence.ts'
import { USER_STATES } from '../session-filter.ts'
import { compareTexts } from '../session-row.ts'
import { type Command, type CommandCall, CommandUsageError, EXIT, SOCKET_OPTION } from './command.ts'
import { filterOf, maskAndNetwork } from './session-list.ts'

const COLUMNS: readonly Column[] = [{ key: 'result', title: 'result' }]

/** `kick`: ends the sessions of a user, a mask or a network. */
export const kick: Command = {
  name: 'kick',
  usage: '[-f] <user mask>[|]<ip/bits>',
  summary: 'End the sessions of users, by name and/or client address, proxied sessions included.',
  details: [
    'With both a mask and a network, sessions must match both. Every session ends by itself: nobody else is cut off with it, so `-f` has nothing to add.',
    'The client is disconnected at once, without a word of the protocol; the log says `Disconnected by proxy: Kicked by admin`.',
  ],
  options: [{ letter: 'f', doc: "Accepted, as Dovecot's processes may serve several users." }, SOCKET_OPTION],
  columns: COLUMNS,
  statuses: [[EXIT.notFound, 'Nobody was kicked.']],
  async run(call) {
    if (call.words.length === 0) throw new CommandUsageError('user and/or ip[/bits] must be specified.')
    const users = new Map<string, number>()
    const input = filterOf({ ...maskAndNetwork(call.words), states: USER_STATES })
    const { status } = await call.ask({ command: 'kick', input }, ({ username = '' }) =>
      users.set(username, (users.get(username) ?? 0) + 1),
    )
    tell(call, [...users.keys()].sort(compareTexts))
    return status
  },
}

function tell({ out }: CommandCall, users: readonly string[]): void {
  if (out.format === undefined)
    out.print(users.length === 0 ? 'no users kicked\n' : 'kicked connections from the following users:\n')
  const printer = out.open(COLUMNS, names)
  for (const user of users) printer.row([user])
  printer.end()
  if (out.format === undefined && users.length > 0) out.print('\n')
}

/** Names behind each other, each with a blank. */
const names = sentencePrinter(([user]) => `${user} `)
