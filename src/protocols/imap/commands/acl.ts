import { ACLS_DISABLED, type AclReply, type NamedMailbox } from '../../../acl/imap/commands.ts'
import { LISTRIGHTS } from '../../../acl/imap/rights-text.ts'
import { type AclSession, aclSessionOf } from '../../../acl/session.ts'
import { decodeText, encodeText } from '../../wire-text.ts'
import type { Arguments } from '../server/arguments.ts'
import { BadCommand } from '../server/bad-command.ts'
import { command, type Reply } from '../server/command.ts'
import { astringText, mailboxName } from '../server/mailbox-argument.ts'
import { askAcl } from '../server/remote/asking.ts'
import type { ImapSession } from '../server/session.ts'

/** MYRIGHTS: what may I do with a mailbox? RFC 4314 §3.5. */
export const myRights = command<string>({
  name: 'MYRIGHTS',
  needs: 'authenticated',
  plugin: 'imap_acl',
  parse: (args) => args.expectOne(),
  run: async (session, mailbox) =>
    (await askElsewhere(session, 'MYRIGHTS', [mailbox])) ??
    (await answer(session, mailbox, 'MYRIGHTS', async (acl, named) => await acl.commands.myRights(named))),
})

/** GETACL: who may do what with it? RFC 4314 §3.3. */
export const getAcl = command<string>({
  name: 'GETACL',
  needs: 'authenticated',
  plugin: 'imap_acl',
  parse: (args) => args.expectOne(),
  run: async (session, mailbox) =>
    (await askElsewhere(session, 'GETACL', [mailbox])) ??
    (await answer(session, mailbox, 'ACL', async (acl, named) => await acl.commands.getAcl(named))),
})

/** SETACL: gives rights to an identifier, adds some or takes some away. RFC 4314 §3.1. */
export const setAcl = command<readonly string[]>({
  name: 'SETACL',
  needs: 'authenticated',
  plugin: 'imap_acl',
  parse: (args) => expectAll(args, 3),
  run: async (session, [mailbox = '', identifier = '', rights = '']) =>
    (await askElsewhere(session, 'SETACL', [mailbox, identifier, rights])) ??
    (await answer(
      session,
      mailbox,
      undefined,
      async (acl, named) => await acl.commands.setAcl(named, decodeText(identifier), rights),
    )),
})

/** DELETEACL: forgets an identifier. RFC 4314 §3.2. */
export const deleteAcl = command<readonly string[]>({
  name: 'DELETEACL',
  needs: 'authenticated',
  plugin: 'imap_acl',
  parse: (args) => expectAll(args, 2),
  run: async (session, [mailbox = '', identifier = '']) =>
    (await askElsewhere(session, 'DELETEACL', [mailbox, identifier])) ??
    (await answer(
      session,
      mailbox,
      undefined,
      async (acl, named) => await acl.commands.deleteAcl(named, decodeText(identifier)),
    )),
})

/** LISTRIGHTS: which rights can be given at all? The same everywhere, as in Dovecot. RFC 4314 §3.4. */
export const listRights = command<readonly string[]>({
  name: 'LISTRIGHTS',
  needs: 'authenticated',
  plugin: 'imap_acl',
  parse: (args) => expectAll(args, 2),
  run(session, [mailbox = '', identifier = '']) {
    const words = [astringText(mailbox), astringText(identifier), ...LISTRIGHTS.map(astringText)]
    session.out.text(`* LISTRIGHTS ${words.join(' ')}\r\n`)
    return { text: 'OK Listrights completed' }
  },
})

function expectAll(args: Arguments, count: number): readonly string[] {
  args.expectCount(count)
  return Array.from({ length: count }, () => args.expectAstring())
}

/** The same of a mailbox on another server; `undefined`: it is here. */
async function askElsewhere(
  session: ImapSession,
  command: 'MYRIGHTS' | 'GETACL' | 'SETACL' | 'DELETEACL',
  [mailbox = '', ...rest]: readonly string[],
): Promise<Reply | undefined> {
  const { remote } = session
  const elsewhere = await remote?.find(mailboxName(session, mailbox))
  return remote && elsewhere && (await askAcl(remote, elsewhere, { command, mailbox, rest }))
}

/** Finds the mailbox, runs the command, says what came of it. `untagged`: the name of the reply before the status. */
async function answer(
  session: ImapSession,
  bytes: string,
  untagged: string | undefined,
  run: (acl: AclSession, named: NamedMailbox) => Promise<AclReply>,
): Promise<Reply> {
  const acl = aclSessionOf(session.mail.store)
  if (acl === undefined) return replyFor(session, bytes, untagged, ACLS_DISABLED)
  const name = mailboxName(session, bytes)
  const named = await acl.find(name)
  const missing: AclReply = { kind: 'no', code: 'NONEXISTENT', text: `Mailbox doesn't exist: ${name}` }
  return replyFor(session, bytes, untagged, named === undefined ? missing : await run(acl, named))
}

function replyFor(session: ImapSession, bytes: string, untagged: string | undefined, reply: AclReply): Reply {
  switch (reply.kind) {
    case 'bad':
      throw new BadCommand(reply.text)
    case 'no':
      return { text: encodeText(`NO ${reply.code === undefined ? '' : `[${reply.code}] `}${reply.text}`) }
    case 'ok':
      if (untagged !== undefined) {
        const words = [bytes, ...(reply.strings ?? []).map(encodeText)].map(astringText)
        session.out.text(`* ${untagged} ${words.join(' ')}\r\n`)
      }
      return { text: `OK ${reply.text.replace(/\.$/, '')}` }
  }
}
