import type { CreateOptions } from '../../../storage/store.ts'
import type { Argument } from '../wire/argument-reader.ts'
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
    await session.store.create(directory ? given.slice(0, -1) : given, created)
    return { text: 'OK Create completed' }
  },
})

/** What is no use is passed over, as in Dovecot. */
function specialUse(options: readonly Argument[]): readonly string[] {
  const at = options.findIndex((option) => option.kind === 'atom' && option.text.toUpperCase() === 'USE')
  const list = at < 0 ? undefined : options[at + 1]
  if (list?.kind !== 'list') return []
  return list.items.filter((item) => item.kind === 'atom').map(({ text }) => text)
}
