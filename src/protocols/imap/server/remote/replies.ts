// What is said to another server, and what its replies are to the client.
import { StoreRefusal } from '../../../../storage/refusal.ts'
import { encodeMutf7 } from '../../../../util/mutf7.ts'
import type { RemotePlace } from '../../../remote-mail.ts'
import type { Argument } from '../../wire/argument-reader.ts'
import { quoted } from '../../wire/argument-writer.ts'
import { No } from '../bad-command.ts'
import type { Reply } from '../command.ts'
import { type RemoteConnection, RemoteLost, type RemoteReply } from './connection.ts'
import { toRemote } from './remote-names.ts'
import { isOk, withoutTimes } from './response.ts'

/** A mailbox on another server. */
export interface RemoteName {
  readonly place: RemotePlace
  readonly name: string
}

/** The server's name of a mailbox. Throws the refusal for what it can have none. */
export function remoteNameOf({ place, name }: RemoteName, connection: RemoteConnection): string {
  const remote = toRemote(place, connection.naming, name)
  if (remote === undefined) throw new StoreRefusal('not-found', `Mailbox doesn't exist: ${name}`)
  return remote
}

/** A name of Unicode as an argument. */
export function mailboxArgument(name: string): string {
  return quoted(encodeMutf7(name) ?? '')
}

/** What follows the tag; a server that asks for more than was announced is not understood. */
export function taggedText(reply: RemoteReply): string {
  if (reply.kind === 'tagged') return withoutTimes(reply.text)
  throw new RemoteLost('another server asked for what nobody has', false)
}

/** Throws No for a refusal, with the name that the client knows. */
export function refuseUnlessOk(text: string, remote: string, shown: string): string {
  if (isOk(text)) return text
  throw new No(refusalText(text, remote, shown))
}

/** A reply to a client's own command, as the other server gave it. */
export function replyOf(text: string, remote: string, shown: string): Reply {
  return { text: withShownName(text, remote, shown) }
}

/** BAD is about a command that was built here: that server does not know it. */
function refusalText(text: string, remote: string, shown: string): string {
  const named = withShownName(text, remote, shown)
  if (/^NO /i.test(named)) return named.slice('NO '.length)
  return `[CANNOT] The server of this mailbox did not understand: ${named.slice('BAD '.length)}`
}

/** `Mailbox doesn't exist: Work` is about `shared/joe/Work` here. */
function withShownName(text: string, remote: string, shown: string): string {
  const [here, there] = [encodeMutf7(shown) ?? shown, encodeMutf7(remote) ?? remote]
  return there !== '' && text.endsWith(`: ${there}`) ? text.slice(0, -there.length) + here : text
}

/** The text of arguments, to be said to another server. */
export function argumentsText(items: readonly Argument[]): string {
  return items.map(argumentText).join(' ')
}

function argumentText(argument: Argument): string {
  switch (argument.kind) {
    case 'atom':
      return argument.text
    case 'string':
      return quoted(argument.text)
    case 'list':
      return `(${argumentsText(argument.items)})`
  }
}
