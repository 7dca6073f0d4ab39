import type { Config, Filter } from '../../config/config.ts'
import type { Finding } from './finding.ts'

/** What is written of shared mailboxes and means something else. */
export function checkShared(config: Config, filter: Filter): readonly Finding[] {
  return config.namespaces(filter).flatMap(({ disabled, type, prefix, location }) => {
    const path = /:INDEXPVT=((?:[^:]|::)*)/.exec(location)?.[1]
    if (disabled || path === undefined || isOwn(path)) return []
    const text = `${type} namespace with prefix '${prefix}': INDEXPVT=${path} is one directory for all users, who share their \\Seen`
    return [{ severity: 'warning', text }]
  })
}

/** It lies in the home of who looks, or has his name in it; `%%u` is the owner's. */
function isOwn(path: string): boolean {
  return !path.startsWith('/') || /(?<!%)(?:%%)*%(?:[^%{]*[unhUNH]|\{[^}]*(?:user|home)[^}]*\})/.test(path)
}
