import { SYSTEM_FLAGS } from '../../../../storage/flags.ts'
import type { Appending, NewMessage } from '../../../../storage/store.ts'
import type { Argument } from '../../wire/argument-reader.ts'
import { parseDateTime } from '../../wire/date-time.ts'
import { writeSequenceSet } from '../../wire/sequence-set.ts'
import { BadCommand, No } from '../bad-command.ts'
import { parseMessageSet } from '../message-set.ts'
import type { RemoteConnection, ResponseSink } from './connection.ts'
import { askRights } from './asking.ts'
import { COPIED_ONLY, type CopySource } from './copy-source.ts'
import type { Copying } from './copying.ts'
import { REMOTE_LIMITS } from './limits.ts'
import { MessageSink } from './message-sink.ts'
import type { RemoteMailboxes, RemoteSelected } from './remote-mailboxes.ts'
import { argumentsText, taggedText } from './replies.ts'
import { parseResponse, textOf } from './response.ts'
import { clientSink } from './sinks.ts'

type Facts = Pick<NewMessage, 'bits' | 'keywords' | 'internalDateMs'>

/** Messages of a selected mailbox that another server keeps. */
export async function remoteSource(
  remote: RemoteMailboxes,
  selected: RemoteSelected,
  { set, call }: Copying,
): Promise<CopySource> {
  parseMessageSet(set, call.uid)
  const { place } = selected
  const client = clientSink(remote.session.out, true)
  const facts = await remote.use(place, (connection) => askFacts(connection, client, argumentsText([set]), call.uid))
  const uids = [...facts.keys()].toSorted((one, other) => one - other)
  return {
    uids,
    // Numbers that no message has are BAD; UIDs may be any.
    isShort: false,
    copyOne: (uid, to) =>
      remote.use(place, async (connection) => await copyMessage(connection, client, uid, facts.get(uid), to)),
    async expectRemovable() {
      if (selected.examined) throw new No('[READ-ONLY] Mailbox is read-only')
      await expectRights(remote, selected)
    },
    remove: () => remote.use(place, async (connection) => await removeMessages(remote, connection, uids)),
  }
}

async function askFacts(
  connection: RemoteConnection,
  client: ResponseSink,
  set: string,
  uid: boolean,
): Promise<ReadonlyMap<number, Facts>> {
  const found = new Map<number, Facts>()
  const sink: ResponseSink = {
    ...client,
    choose: (line) => (/^\* \d+ FETCH .*INTERNALDATE/i.test(line) ? 'gather' : client.choose(line)),
    gathered(parts) {
      const [uidOf, facts] = factsOf(parseResponse(parts)?.[2])
      if (uidOf !== undefined && found.size < REMOTE_LIMITS.copied) found.set(uidOf, facts)
    },
  }
  connection.send(`x ${uid ? 'UID ' : ''}FETCH ${set} (UID FLAGS INTERNALDATE)\r\n`)
  const text = taggedText(await connection.next('x', sink))
  if (/^BAD/i.test(text)) throw new BadCommand('Invalid messageset')
  if (!/^OK/i.test(text)) throw new No(text.slice('NO '.length))
  if (found.size >= REMOTE_LIMITS.copied) throw new No('[LIMIT] Too many messages for one command')
  return found
}

/** `(UID 5 FLAGS (\Seen) INTERNALDATE "...")`. */
function factsOf(list: Argument | undefined): readonly [uid: number | undefined, facts: Facts] {
  const items = list?.kind === 'list' ? list.items : []
  const valueOf = (name: string): Argument | undefined =>
    items[items.findIndex((item, at) => at % 2 === 0 && textOf(item)?.toUpperCase() === name) + 1]
  const flags = valueOf('FLAGS')
  const names = flags?.kind === 'list' ? flags.items.map((item) => textOf(item) ?? '') : []
  const internalDateMs = parseDateTime(textOf(valueOf('INTERNALDATE')) ?? '')
  const uid = Number(textOf(valueOf('UID')))
  const facts: Facts = {
    bits: SYSTEM_FLAGS.reduce((bits, [bit, name]) => (has(names, name) ? bits | bit : bits), 0),
    keywords: names.filter((name) => name !== '' && !name.startsWith('\\')),
    ...(internalDateMs === undefined ? {} : { internalDateMs }),
  }
  return [Number.isSafeInteger(uid) && uid > 0 ? uid : undefined, facts]
}

function has(names: readonly string[], flag: string): boolean {
  return names.some((name) => name.toLowerCase() === flag.toLowerCase())
}

async function copyMessage(
  connection: RemoteConnection,
  client: ResponseSink,
  uid: number,
  facts: Facts = { bits: 0, keywords: [] },
  to: Appending,
): Promise<boolean> {
  const sink = new MessageSink(client, facts, to)
  connection.send(`x UID FETCH ${uid} BODY.PEEK[]\r\n`)
  const text = taggedText(await connection.next('x', sink))
  sink.throwFailure()
  if (!/^OK/i.test(text) && !sink.isWhole) throw new No(text.slice('NO '.length))
  return sink.isWhole
}

/** `e` and `t`, where that server knows rights. */
async function expectRights(remote: RemoteMailboxes, selected: RemoteSelected): Promise<void> {
  const rights = await remote.use(selected.place, async (connection) => {
    if (!connection.capability.has('ACL')) return undefined
    return (await askRights(remote, selected))[0] ?? ''
  })
  if (rights !== undefined && !(rights.includes('e') && rights.includes('t')))
    throw new No('[NOPERM] Permission denied')
}

async function removeMessages(
  remote: RemoteMailboxes,
  connection: RemoteConnection,
  uids: readonly number[],
): Promise<void> {
  const set = writeSequenceSet(uids)
  const commands = [`UID STORE ${set} +FLAGS.SILENT (\\Deleted)`, `UID EXPUNGE ${set}`]
  for (const command of commands) {
    const { text } = await remote.askOn(connection, command)
    if (!/^OK/i.test(text) || /Permission denied/i.test(text)) throw new No(COPIED_ONLY)
  }
}
