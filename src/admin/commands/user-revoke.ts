import type { Column } from '../output/printer.ts'
import { openTable } from '../output/table.ts'
import { administrator } from './administrator.ts'
import { type Command, CommandUsageError, SOCKET_OPTION } from './command.ts'

const COLUMNS: readonly Column[] = [
  { key: 'username', title: 'username' },
  { key: 'sessions', title: 'sessions' },
  { key: 'until', title: 'until' },
]

/** `user revoke`: a user is out, and stays out. */
export const userRevoke: Command = {
  name: 'user revoke',
  usage: '<user> [...]',
  summary: 'End the sessions of users and refuse their logins.',
  details: [
    'For an account in wrong hands: what the auth cache knows of the user is forgotten, all sessions are ended on every worker and on every server of the cluster, and logins are refused in all protocols, also with the right password. Mail is still delivered. Master users may still log in as the user.',
    'It lasts until `user allow`, or until the databases have another stored password. Where they do not tell the stored password (pam, LDAP with auth_bind, imap, oauth2, checkpassword, `nopassword`), only `user allow` ends it: the column `until` says which. It outlives restarts (`state_dir`). One line in the log says who did it.',
  ],
  options: [SOCKET_OPTION],
  columns: COLUMNS,
  async run(call) {
    if (call.words.length === 0) throw new CommandUsageError('No users given.')
    const printer = call.out.open(COLUMNS, openTable)
    const input = { users: call.words, by: administrator() }
    const { status } = await call.ask(
      { command: 'user-revoke', input },
      ({ username = '', sessions = '', until = '' }) => printer.row([username, sessions, until]),
    )
    printer.end()
    return status
  },
}
