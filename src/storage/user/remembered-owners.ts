/** How long what the databases say of an owner holds for a session that goes on looking at his mail. */
export const OWNER_MS = 30_000
/** Owners that one session remembers. */
const MAX_OWNERS = 10_000

/**
 * Asks about each owner once in a while: LIST names every mailbox of all of them. Answers that did not come are not remembered;
 * those that are come at once, not as promises.
 */
export function rememberOwners<Answer>(
  ask: (owner: string) => Promise<Answer>,
  ttlMs = OWNER_MS,
): (owner: string) => Answer | Promise<Answer> {
  // Most sessions ask about nobody: it is empty then.
  const known = new Map<string, Asked<Answer>>()
  return (owner) => {
    const remembered = known.get(owner)
    const nowMs = performance.now()
    if (remembered !== undefined && nowMs - remembered.askedAtMs < ttlMs)
      return remembered.answered === undefined ? remembered.asking : remembered.answered.answer
    if (known.size >= MAX_OWNERS) known.clear()
    const asked: Asked<Answer> = { asking: ask(owner), askedAtMs: nowMs, answered: undefined }
    known.set(owner, asked)
    asked.asking.then(
      (answer) => {
        asked.answered = { answer }
      },
      () => {
        if (known.get(owner) === asked) known.delete(owner)
      },
    )
    return asked.asking
  }
}

interface Asked<Answer> {
  readonly asking: Promise<Answer>
  readonly askedAtMs: number
  answered: { readonly answer: Answer } | undefined
}
