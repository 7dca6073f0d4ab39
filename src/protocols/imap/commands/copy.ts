import type { Argument } from '../wire/argument-reader.ts'
import { StoreRefusal } from '../../../storage/refusal.ts'
import { COPY_GONE, copyUid } from '../server/copied.ts'
import { BadCommand } from '../server/bad-command.ts'
import { command, type OrdinaryCommand } from '../server/command.ts'
import { mailboxName } from '../server/mailbox-argument.ts'
import type { ImapSession } from '../server/session.ts'
import { copyElsewhere, type LocalUids } from '../server/remote/copying.ts'
import { countNumbers, messageNumbers, parseMessageSet, uidsOf } from '../server/message-set.ts'

/** COPY and UID COPY. RFC 3501 §6.4.7; COPYUID from RFC 4315 §3. */
export const copy = copying('COPY')
/** MOVE and UID MOVE. RFC 6851. */
export const move = copying('MOVE')

interface CopyArgs {
  readonly set: Argument | undefined
  readonly to: string
}

function copying(name: 'COPY' | 'MOVE'): OrdinaryCommand {
  return command<CopyArgs>({
    name,
    needs: 'selected',
    uid: 'also',
    notFound: 'TRYCREATE',
    parse(args) {
      args.expectCount(2)
      return { set: args.next(), to: args.expectAstring() }
    },
    async run(session, { set, to }, call) {
      const { uid } = call
      if (set?.kind === 'list') throw new BadCommand('Invalid arguments')
      if (session.remote !== undefined && set !== undefined) {
        const localUids = (): LocalUids => localUidsOf(session, set, uid)
        const copying = { command: name, call, set, to: mailboxName(session, to), localUids }
        const elsewhere = await copyElsewhere(session.remote, copying)
        if (elsewhere !== undefined) return elsewhere
      }
      const { mailbox, out, selected } = session
      const numbers = messageNumbers(mailbox, parseMessageSet(set, uid), uid)
      const target = mailboxName(session, to)
      if (numbers.length === 0) return { text: 'OK No messages found', sync: { expunge: uid } }
      const uids = uidsOf(mailbox, numbers)
      if (uids.length < countNumbers(numbers)) return COPY_GONE
      const moving = name === 'MOVE'
      if (moving && (selected?.examined === true || mailbox.readOnly))
        return { text: 'NO [READ-ONLY] Mailbox is read-only' }
      const copied = await (moving ? mailbox.move(uids, target) : mailbox.copy(uids, target)).catch(undefinedWhenGone)
      if (copied === undefined || copied.source.length < uids.length) return COPY_GONE
      // A mailbox that may be filled but not read does not tell its UIDs.
      const code = copied.target.length === 0 ? undefined : `[${copyUid(copied)}] `
      if (await isTrash(session, target)) session.counts.trashed += copied.source.length
      if (!moving) return { text: `OK ${code ?? ''}Copy completed`, sync: { expunge: uid } }
      if (code !== undefined) out.text(`* OK ${code}Moved UIDs.\r\n`)
      return { text: 'OK Move completed', sync: { expunge: true } }
    },
  })
}

/** What goes into `\Trash` is counted for the log. */
async function isTrash({ mail: { store }, trashes }: ImapSession, name: string): Promise<boolean> {
  let found = trashes.get(name)
  if (found === undefined) {
    const entries = await store.list([name])
    found = entries.some((entry) => entry.name === name && entry.specialUse.includes('\\Trash'))
    trashes.set(name, found)
  }
  return found
}

function localUidsOf({ mailbox }: ImapSession, set: Argument, uid: boolean): LocalUids {
  const numbers = messageNumbers(mailbox, parseMessageSet(set, uid), uid)
  return { uids: uidsOf(mailbox, numbers), count: countNumbers(numbers) }
}

function undefinedWhenGone(error: unknown): undefined {
  if (!(error instanceof StoreRefusal && error.code === 'expunged')) throw error
}
