// SELECT and EXAMINE of mailboxes on other servers, and what is said to them while they are selected.
import type { Argument } from '../../wire/argument-reader.ts'
import type { Reply } from '../command.ts'
import type { RemoteConnection } from './connection.ts'
import type { RemoteMailboxes } from './remote-mailboxes.ts'
import { argumentsText, mailboxArgument, type RemoteName, remoteNameOf, replyOf, taggedText } from './replies.ts'
import { isOk } from './response.ts'
import { clientSink } from './sinks.ts'

export interface Selecting {
  readonly command: 'SELECT' | 'EXAMINE'
  readonly tag: string
  readonly name: string
  readonly options: readonly Argument[]
}

/** Opens a mailbox on another server; `undefined`: it is here. Whatever was selected elsewhere is left. */
export async function selectElsewhere(remote: RemoteMailboxes, selecting: Selecting): Promise<Reply | undefined> {
  const found = await remote.find(selecting.name)
  // The same server says by itself that the mailbox before is closed.
  const stays = remote.selected?.place.prefix === found?.place.prefix && !remote.selected?.connection.isOver
  if (!stays) await remote.leave({ say: true })
  if (found === undefined) return undefined
  return await remote.use(found.place, async (connection) => await open(remote, found, connection, selecting), {
    mayRepeat: true,
  })
}

async function open(
  remote: RemoteMailboxes,
  found: RemoteName,
  connection: RemoteConnection,
  { command, tag, options }: Selecting,
): Promise<Reply> {
  const mailbox = remoteNameOf(found, connection)
  await remote.enable(connection)
  const { session } = remote
  const given = options.length === 0 ? '' : ` (${argumentsText(options)})`
  connection.send(`${tag} ${command} ${mailboxArgument(mailbox)}${given}\r\n`)
  // From here on nothing is selected, whatever comes of it. RFC 3501 §6.3.1.
  remote.selected = undefined
  const text = taggedText(await connection.next(tag, clientSink(session.out, true)))
  if (isOk(text)) {
    remote.selected = { ...found, connection, examined: command === 'EXAMINE' }
    if (given !== '' && /CONDSTORE|QRESYNC/i.test(given)) session.condstore = true
  }
  return replyOf(text, mailbox, found.name)
}
