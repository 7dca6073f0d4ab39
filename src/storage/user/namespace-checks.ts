import type { NamespaceSpec } from '../namespace.ts'
import { MailUserError } from './mail-user-error.ts'

/** Refuses namespaces that do not go together, with the words and in the order of Dovecot. */
export function checkNamespaces(specs: readonly NamespaceSpec[]): void {
  const why = whyBroken(specs)
  if (why !== undefined) throw new MailUserError(`namespace configuration error: ${why}`)
}

function whyBroken(specs: readonly NamespaceSpec[]): string | undefined {
  for (const [index, spec] of specs.entries()) {
    const why = whyOneBroken(spec, specs.slice(0, index), specs)
    if (why !== undefined) return why
  }
  if (!specs.some(({ inbox }) => inbox)) return 'inbox=yes namespace missing'
  if (!specs.some(({ list }) => list !== 'no')) return 'list=yes namespace missing'
  if (!specs.some(({ hidden }) => !hidden)) return 'hidden=no namespace missing'
  if (!specs.some(({ subscriptions }) => subscriptions)) return 'subscriptions=yes namespace missing'
  return undefined
}

function whyOneBroken(
  spec: NamespaceSpec,
  before: readonly NamespaceSpec[],
  all: readonly NamespaceSpec[],
): string | undefined {
  const { prefix, separator, inbox, list, aliasFor } = spec
  if (inbox && before.some((other) => other.inbox)) return 'There can be only one namespace with inbox=yes'
  if (before.some((other) => other.prefix === prefix)) return `Duplicate namespace prefix: "${prefix}"`
  const target = aliasFor === undefined ? undefined : all.find((other) => other.prefix === aliasFor)
  if (aliasFor !== undefined && target === undefined) return `Invalid namespace alias_for: ${aliasFor}`
  if (target?.aliasFor !== undefined) return `Chained namespace alias_for: ${aliasFor ?? ''}`
  if (list === 'no') return undefined
  if (prefix !== '' && !prefix.endsWith(separator)) {
    return `list=yes requires prefix=${prefix} to end with separator ${separator}`
  }
  if (prefix.startsWith(separator)) return `list=yes requires prefix=${prefix} not to start with separator`
  const listed = before.find((other) => other.list !== 'no')
  if (listed !== undefined && listed.separator !== separator) {
    return 'All list=yes namespaces must use the same separator'
  }
  return undefined
}
