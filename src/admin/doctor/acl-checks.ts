import type { Config, Filter } from '../../config/config.ts'
import { inheritKeyOf } from '../../acl/settings.ts'
import type { Finding } from './finding.ts'

/** What is written of shared mailboxes and means something else. */
export function checkShared(config: Config, filter: Filter): readonly Finding[] {
  return [...checkPrivateSeen(config, filter), ...checkInheritance(config, filter)]
}

function checkPrivateSeen(config: Config, filter: Filter): readonly Finding[] {
  return config.namespaces(filter).flatMap(({ disabled, type, prefix, location }) => {
    const path = /:INDEXPVT=((?:[^:]|::)*)/.exec(location)?.[1]
    if (disabled || path === undefined || isOwn(path)) return []
    const text = `${type} namespace with prefix '${prefix}': INDEXPVT=${path} is one directory for all users, who share their \\Seen`
    return [{ severity: 'warning', text }]
  })
}

/** Users and owners must agree on what is inherited: they look at the same mail through different namespaces. */
function checkInheritance(config: Config, filter: Filter): readonly Finding[] {
  const plugin = config.plugin(filter)
  const namespaces = config.namespaces(filter).filter(({ disabled }) => !disabled)
  const ofType = (type: 'private' | 'shared'): ReadonlySet<string> =>
    new Set(
      namespaces
        .filter((namespace) => namespace.type === type)
        .map(({ name }) => plugin.get(`acl_inherit_${name}`) ?? plugin.get('acl_inherit') ?? 'copy'),
    )
  const unknown = [...plugin.keys()].flatMap((key) => {
    const name = inheritKeyOf(key) ?? ''
    return name === '' || namespaces.some((namespace) => namespace.name === name)
      ? []
      : [`plugin { ${key} } has no effect: there is no namespace ${name} {}`]
  })
  const [own, others] = [ofType('private'), ofType('shared')]
  const differ = own.has('live') !== others.has('live') && others.size > 0
  const texts = differ ? [...unknown, DIFFER] : unknown
  return texts.map((text) => ({ severity: 'warning', text }))
}

const DIFFER =
  'acl_inherit differs between private and shared namespaces: owners and those they share with are not shown the same rights'

/** It lies in the home of who looks, or has his name in it; `%%u` is the owner's. */
function isOwn(path: string): boolean {
  return !path.startsWith('/') || /(?<!%)(?:%%)*%(?:[^%{]*[unhUNH]|\{[^}]*(?:user|home)[^}]*\})/.test(path)
}
