/** How long what the databases say of an owner holds for a session that goes on looking at his mail. */
export const OWNER_MS = 30_000
/** Owners that one session remembers. */
const MAX_OWNERS = 10_000

/**
 * Asks about each owner once in a while: LIST names every mailbox of all of them. Answers that did not come are not remembered.
 */
export function rememberOwners<Answer>(
  ask: (owner: string) => Promise<Answer>,
  ttlMs = OWNER_MS,
): (owner: string) => Promise<Answer> {
  // Most sessions ask about nobody: it is empty then.
  const known = new Map<string, { readonly asking: Promise<Answer>; readonly askedAtMs: number }>()
  return (owner) => {
    const remembered = known.get(owner)
    const nowMs = performance.now()
    if (remembered !== undefined && nowMs - remembered.askedAtMs < ttlMs) return remembered.asking
    if (known.size >= MAX_OWNERS) known.clear()
    const asking = ask(owner)
    known.set(owner, { asking, askedAtMs: nowMs })
    asking.catch(() => {
      if (known.get(owner)?.asking === asking) known.delete(owner)
    })
    return asking
  }
}
