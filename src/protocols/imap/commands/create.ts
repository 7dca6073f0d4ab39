import type { CreateOptions } from '../../../storage/store.ts'
import type { Argument } from '../wire/argument-reader.ts'
import { No } from '../server/bad-command.ts'
import type { ImapSession } from '../server/session.ts'
import { command } from '../server/command.ts'
import { endsWithSeparator, mailboxName } from '../server/mailbox-argument.ts'

/** CREATE. RFC 3501 §6.3.3; USE from RFC 6154 §3. */
export const create = command<{ readonly name: string; readonly options: readonly Argument[] }>({
  name: 'CREATE',
  needs: 'authenticated',
  parse: (args) => ({ name: args.expectOne(), options: args.list() ?? [] }),
  async run(session, { name, options }) {
    const given = mailboxName(session, name)
    // `a/` says that others will be made below `a`.
    const directory = given.length > 1 && endsWithSeparator(session.store, given)
    const use = specialUse(options)
    const created: CreateOptions = {
      ...(directory ? { directory } : {}),
      ...(use.length === 0 ? {} : { specialUse: use }),
    }
    const wanted = directory ? given.slice(0, -1) : given
    await session.store.create(wanted, created)
    if (use.length > 0) await expectUses(session, wanted, use)
    return { text: 'OK Create completed' }
  },
})

/** What the mailbox cannot be used for is said, and there is no mailbox then. RFC 6154 §3. */
async function expectUses({ store }: ImapSession, name: string, uses: readonly string[]): Promise<void> {
  const entry = (await store.list([name])).find((one) => one.name === name)
  const given = new Set(entry?.specialUse.map((use) => use.toLowerCase()))
  if (uses.every((use) => given.has(use.toLowerCase()))) return
  await store.delete(name)
  throw new No(`[USEATTR] Mailbox can't be used for ${uses.join(' ')}`)
}

/** What is no use is passed over, as in Dovecot. */
function specialUse(options: readonly Argument[]): readonly string[] {
  const at = options.findIndex((option) => option.kind === 'atom' && option.text.toUpperCase() === 'USE')
  const list = at < 0 ? undefined : options[at + 1]
  if (list?.kind !== 'list') return []
  return list.items.filter((item) => item.kind === 'atom').map(({ text }) => text)
}
