import { askServer, ControlUnavailable } from '../../admin/control/client.ts'
import type { MailOwner } from './mail-owner.ts'

/** The mail workers of a running server. */
export interface ServerMail {
  /** How many processes share the users of one owner. */
  readonly shares: number
  /** The socket of the process that opens an owner's mail; `undefined` when the server is gone. */
  socketFor(owner: MailOwner, share: number): Promise<string | undefined>
}

/** A process may have to be started. */
const ASK_MS = 35_000

/**
 * The server that runs with this control socket, if there is one that we may ask: commands had better work in the process that
 * has a user's mailboxes open, so that its clients see at once what is done.
 */
export async function findServerMail(path: string): Promise<ServerMail | undefined> {
  const found = await ask(path, {})
  const shares = Number(found?.['shares'] ?? 0)
  if (!(shares > 0)) return undefined
  return {
    shares,
    socketFor: async ({ uid, gid }, share) => (await ask(path, { uid, gid, share }))?.['path'],
  }
}

async function ask(path: string, input: object): Promise<Readonly<Record<string, string>> | undefined> {
  try {
    const replies = askServer(path, { command: 'mail-worker', input }, ASK_MS)
    for await (const reply of replies) if (reply.kind === 'row') return reply.row
    return undefined
  } catch (error) {
    if (error instanceof ControlUnavailable) return undefined
    throw error
  }
}
