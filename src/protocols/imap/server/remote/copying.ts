// COPY and MOVE when at least one of the mailboxes is on another server. RFC 3501 §6.4.7, RFC 6851.
import type { CopiedUids } from '../../../../storage/store.ts'
import type { Argument } from '../../wire/argument-reader.ts'
import { No } from '../bad-command.ts'
import type { Invocation, Reply } from '../command.ts'
import { COPY_GONE, copyUid } from '../copied.ts'
import type { CopySource } from './copy-source.ts'
import { localSource } from './local-source.ts'
import type { RemoteMailboxes, RemoteSelected } from './remote-mailboxes.ts'
import { remoteSource } from './remote-source.ts'
import { argumentsText, mailboxArgument, type RemoteName, remoteNameOf, replyOf, taggedText } from './replies.ts'
import { clientSink } from './sinks.ts'

export interface Copying {
  readonly command: 'COPY' | 'MOVE'
  readonly call: Invocation
  /** As the client gave it. */
  readonly set: Argument
  /** What the set names in a selected mailbox that is here. Throws BadCommand. */
  readonly localUids: () => LocalUids
  readonly to: string
}

/** Messages of a mailbox that is here: those that are there, and how many were named. */
export interface LocalUids {
  readonly uids: readonly number[]
  readonly count: number
}

/** Copies to, from or between other servers; `undefined`: all of it is here. */
export async function copyElsewhere(remote: RemoteMailboxes, copying: Copying): Promise<Reply | undefined> {
  const target = await remote.find(copying.to)
  const { selected } = remote
  if (selected === undefined) {
    return target && (await copyAcross(remote, copying, localSource(remote.session, copying)))
  }
  if (target?.place.prefix === selected.place.prefix) return await copyThere(remote, selected, target, copying)
  return await copyAcross(remote, copying, await remoteSource(remote, selected, copying))
}

/** Both mailboxes are on one server: it does the work. */
async function copyThere(
  remote: RemoteMailboxes,
  { place }: RemoteSelected,
  target: RemoteName,
  { command, call: { tag, uid }, set }: Copying,
): Promise<Reply> {
  return await remote.use(place, async (connection) => {
    const mailbox = remoteNameOf(target, connection)
    connection.send(`${tag} ${uid ? 'UID ' : ''}${command} ${argumentsText([set])} ${mailboxArgument(mailbox)}\r\n`)
    return replyOf(taggedText(await connection.next(tag, clientSink(remote.session.out, true))), mailbox, target.name)
  })
}

/** Messages are read at one side and stored at the other; those of a MOVE are removed when all are there. */
async function copyAcross(remote: RemoteMailboxes, { command, call, to }: Copying, source: CopySource): Promise<Reply> {
  if (source.isShort) return COPY_GONE
  if (source.uids.length === 0) return { text: 'OK No messages found', sync: { expunge: call.uid } }
  if (command === 'MOVE') await source.expectRemovable()
  const copied = await transfer(remote, source, to)
  const code = copied.target.length === 0 ? '' : `[${copyUid(copied)}] `
  if (command === 'COPY') return { text: `OK ${code}Copy completed`, sync: { expunge: call.uid } }
  if (code !== '') remote.session.out.text(`* OK ${code}Moved UIDs.\r\n`)
  await source.remove()
  return { text: 'OK Move completed', sync: { expunge: true } }
}

async function transfer({ store }: RemoteMailboxes, source: CopySource, to: string): Promise<CopiedUids> {
  const appending = await store.beginAppend(to)
  try {
    for (const uid of source.uids) {
      if (!(await source.copyOne(uid, appending))) {
        throw new No('[EXPUNGEISSUED] Some of the requested messages no longer exist')
      }
    }
    const { uidValidity, uids } = await appending.commit()
    return { uidValidity, source: source.uids, target: uids }
  } catch (error) {
    await appending.abort()
    throw error
  }
}
