import type { QuotaRoot } from '../../../storage/store.ts'
import { encodeText } from '../../wire-text.ts'
import { command } from '../server/command.ts'
import { astringText, mailboxName } from '../server/mailbox-argument.ts'
import type { ImapSession } from '../server/session.ts'

/** GETQUOTA: how full is a quota root? RFC 2087 §4.2. */
export const getQuota = command<string>({
  name: 'GETQUOTA',
  needs: 'authenticated',
  plugin: 'imap_quota',
  parse: (args) => args.expectOne(),
  async run(session, name) {
    const root = (await allRoots(session)).find((one) => encodeText(one.name) === name)
    if (root === undefined) return { text: "NO Quota root doesn't exist" }
    session.out.text(quotaText(root))
    return { text: 'OK Getquota completed' }
  },
})

/** GETQUOTAROOT: which roots count a mailbox? RFC 2087 §4.3. */
export const getQuotaRoot = command<string>({
  name: 'GETQUOTAROOT',
  needs: 'authenticated',
  plugin: 'imap_quota',
  notFound: 'NONEXISTENT',
  parse: (args) => args.expectOne(),
  async run(session, bytes) {
    const name = mailboxName(session, bytes)
    const roots = await session.store.quotaRoots(name)
    if (roots.length === 0 && (await allRoots(session)).length === 0) return { text: 'OK No quota' }
    session.out.text(`* QUOTAROOT ${[astringText(bytes), ...roots.map(rootText)].join(' ')}\r\n`)
    for (const root of roots) session.out.text(quotaText(root))
    return { text: 'OK Getquotaroot completed' }
  },
})

/** SETQUOTA is for administrators, and they have other tools. RFC 2087 §4.1. */
export const setQuota = command<string>({
  name: 'SETQUOTA',
  needs: 'authenticated',
  plugin: 'imap_quota',
  parse: (args) => args.expectOne(),
  run: () => ({ text: 'NO Quota can be changed only by admin' }),
})

/** Roots of all namespaces, each once. */
async function allRoots({ store }: ImapSession): Promise<readonly QuotaRoot[]> {
  const roots = new Map<string, QuotaRoot>()
  const names = store.namespaces.map(({ inbox, prefix }) => (inbox ? 'INBOX' : prefix))
  for (const name of names) {
    for (const root of await store.quotaRoots(name)) if (!roots.has(root.name)) roots.set(root.name, root)
  }
  return [...roots.values()]
}

function quotaText(root: QuotaRoot): string {
  const resources = root.resources.map(({ name, usage, limit }) => `${name} ${usage} ${limit}`)
  return `* QUOTA ${rootText(root)} (${resources.join(' ')})\r\n`
}

function rootText({ name }: QuotaRoot): string {
  return astringText(encodeText(name))
}
