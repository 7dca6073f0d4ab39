import { connect } from 'node:net'
import type { AclServer } from './servers.ts'

/** Names of the mailboxes below `shared/` that a user is shown and may select, sorted. */
export async function sharedWith(server: AclServer, user: string): Promise<readonly string[]> {
  const socket = connect({ port: server.imap, host: '127.0.0.1' }).setEncoding('latin1')
  socket.write(`a LOGIN ${user} pw\r\nb LIST "" shared/*\r\nc LOGOUT\r\n`)
  let heard = ''
  for await (const chunk of socket) heard += String(chunk)
  const lines = heard.split('\r\n').filter((line) => line.startsWith('* LIST') && !line.includes('\\Noselect'))
  return lines.map((line) => line.replace(/^.* /, '')).toSorted()
}
