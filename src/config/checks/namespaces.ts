import type { MailboxSettings, NamespaceSettings } from '../config.ts'
import { escapeName } from '../evaluate/block.ts'
import type { Finding } from './finding.ts'

const SPECIAL_USES = ['\\All', '\\Archive', '\\Drafts', '\\Flagged', '\\Important', '\\Junk', '\\Sent', '\\Trash'].map(
  (use) => use.toLowerCase(),
)

/** Namespaces, their aliases and mailboxes. */
export function checkNamespaces(namespaces: readonly NamespaceSettings[]): readonly Finding[] {
  return namespaces.flatMap((namespace) => [
    ...checkNamespace(namespace),
    ...checkAlias(namespace, namespaces),
    ...namespace.mailboxes.flatMap((mailbox) => [...checkMailbox(namespace.name, mailbox)]),
  ])
}

function* checkNamespace({ name, prefix, separator }: NamespaceSettings): Generator<Finding> {
  if (Buffer.byteLength(separator) > 1) {
    const text = `Namespace '${prefix}': Hierarchy separator must be only one character long`
    yield { text, path: `namespace/${escapeName(name)}/separator` }
  }
}

function* checkAlias(
  { name, prefix, alias_for }: NamespaceSettings,
  namespaces: readonly NamespaceSettings[],
): Generator<Finding> {
  if (alias_for === undefined) return
  const path = `namespace/${escapeName(name)}/alias_for`
  const target = namespaces.find((namespace) => namespace.prefix === alias_for)
  if (target === undefined) {
    yield { text: `Namespace '${prefix}': alias_for points to unknown namespace: ${alias_for}`, path }
  } else if (target.alias_for !== undefined) {
    const chain = `${alias_for} -> ${target.alias_for}`
    yield { text: `Namespace '${prefix}': alias_for chaining isn't allowed: ${chain}`, path }
  }
}

function* checkMailbox(namespace: string, { name, special_use }: MailboxSettings): Generator<Finding> {
  const unknown = special_use.find((use) => !SPECIAL_USES.includes(use.toLowerCase()))
  if (unknown === undefined) return
  const path = `namespace/${escapeName(namespace)}/mailbox/${escapeName(name)}/special_use`
  yield { text: `mailbox ${name}: unknown special_use: ${unknown}`, path }
}
