// Owners in the names of shared namespaces: `shared/%u/`, `shared/%d/%n/`.
import { afterAt, beforeAt } from '../util/user-name.ts'

/** An owner that a name speaks of, and how much of the name did. */
export interface NamedOwner {
  readonly owner: string
  /** With the separator behind it. */
  readonly length: number
}

/**
 * The owner at the beginning of what follows a shared namespace's prefix; `undefined` when the name ends before it. Without a
 * domain in the pattern it is that of the user who asks.
 */
export function parseOwner(pattern: string, name: string, user: string): NamedOwner | undefined {
  let at = 0
  const found = new Map<string, string>()
  const parts = pattern.split(/(%[und])/)
  for (const [index, part] of parts.entries()) {
    if (index % 2 === 0) {
      if (!name.startsWith(part, at)) return undefined
      at += part.length
      continue
    }
    const next = parts[index + 1] ?? ''
    const end = next === '' ? name.length : name.indexOf(next, at)
    if (end <= at) return undefined
    found.set(part, name.slice(at, end))
    at = end
  }
  const owner = ownerOf(found, user)
  return owner === undefined ? undefined : { owner, length: at }
}

/** What an owner is called behind the prefix. */
export function ownerPrefix(pattern: string, owner: string): string {
  return pattern
    .replaceAll('%u', () => owner)
    .replaceAll('%n', () => beforeAt(owner))
    .replaceAll('%d', () => afterAt(owner))
}

function ownerOf(found: ReadonlyMap<string, string>, user: string): string | undefined {
  const whole = found.get('%u')
  if (whole !== undefined) return whole
  const username = found.get('%n')
  if (username === undefined) return undefined
  const at = user.indexOf('@')
  const domain = found.get('%d') ?? (at < 0 ? undefined : user.slice(at + 1))
  return domain === undefined ? username : `${username}@${domain}`
}
