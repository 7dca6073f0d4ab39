// What of the mailboxes of a store its user may see in LIST, as long as neither they nor any rights on them change.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { LISTS } from '../../storage/list-mailboxes.ts'
import type { MailboxEntry } from '../../storage/store.ts'
import type { AclAccess, Judgement } from '../access.ts'
import { isMet, NEEDS } from '../needs.ts'
import type { AclNamespaces, AclTarget } from '../store-namespaces.ts'
import { type JudgedEntry, visibleEntries } from './visible-entries.ts'

/** Mailboxes that are judged at once. */
const JUDGED_AT_ONCE = 256

export interface SeenListNeeds {
  readonly access: AclAccess
  readonly namespaces: AclNamespaces
  /** Milliseconds since 1970. */
  readonly now: () => number
}

interface Listed {
  readonly entries: readonly MailboxEntry[]
  readonly judged: readonly JudgedEntry[]
  /** Of the backend, when judging began. */
  readonly version: number
  /** Milliseconds since 1970. */
  readonly freshUntilMs: number
  /** The patterns of the last answer. */
  asked: string | undefined
  visible: readonly MailboxEntry[]
}

export class SeenList {
  readonly #needs: SeenListNeeds
  readonly #resolve: (name: string) => Promise<AclTarget | undefined>
  #last: readonly Listed[] = []

  /** `resolve`: where a name leads; `undefined`: nowhere. */
  constructor(needs: SeenListNeeds, resolve: (name: string) => Promise<AclTarget | undefined>) {
    this.#needs = needs
    this.#resolve = resolve
  }

  /** Of these entries what may be shown for these patterns. The same array of entries is one that did not change. */
  async visible(entries: readonly MailboxEntry[], patterns: readonly string[]): Promise<readonly MailboxEntry[]> {
    const known = this.#last.find((one) => one.entries === entries)
    const listed = known !== undefined && this.#isFresh(known) ? known : await this.#judgeAll(entries)
    if (listed !== known) this.#last = [listed, ...this.#last.filter((one) => one.entries !== entries)].slice(0, LISTS)
    const asked = patterns.join('\0')
    if (listed.asked !== asked) {
      listed.visible = visibleEntries(listed.judged, patterns)
      listed.asked = asked
    }
    return listed.visible
  }

  #isFresh({ version, freshUntilMs }: Listed): boolean {
    const { access, now } = this.#needs
    return version === access.backend.version && now() < freshUntilMs
  }

  async #judgeAll(entries: readonly MailboxEntry[]): Promise<Listed> {
    const { access } = this.#needs
    const { version } = access.backend
    const judged: JudgedEntry[] = []
    let freshUntilMs = Number.POSITIVE_INFINITY
    for (const entry of entries) {
      // Other sessions of the process have their turn in between.
      if (judged.length > 0 && judged.length % JUDGED_AT_ONCE === 0) await nextTurn()
      const judging = this.#judgeEntry(entry)
      const one = judging instanceof Promise ? await judging : judging
      judged.push(one)
      if (one.target === undefined) continue
      freshUntilMs = Math.min(freshUntilMs, access.judgedUntilMs(one.target.namespace, one.target.mailbox))
    }
    return { entries, judged, version, freshUntilMs, asked: undefined, visible: [] }
  }

  /** At once where it can be: most of LIST would be waiting. */
  #judgeEntry(entry: MailboxEntry): JudgedEntry | Promise<JudgedEntry> {
    const { name, namespace, selectable } = entry
    // The session's INBOX is always listed, even to those who may not open it.
    if (namespace.inbox && name === 'INBOX') return { entry, isPrefix: false, isVisible: true }
    if (!selectable && isNameOf(name, namespace)) return { entry, isPrefix: true, isVisible: namespace.list === 'yes' }
    const known = this.#needs.namespaces.ofEntry(entry)
    if (known !== undefined) return this.#judgeAt(entry, known)
    return this.#resolve(name).then((target) =>
      // `shared`, and the levels that make an owner's name: nobody's mail, the way to it.
      target === undefined ? { entry, isPrefix: !selectable, isVisible: false } : this.#judgeAt(entry, target),
    )
  }

  #judgeAt(entry: MailboxEntry, target: AclTarget): JudgedEntry | Promise<JudgedEntry> {
    // An owner's name alone may be his INBOX, and is the way to his other mailboxes in any case.
    const isPrefix = isNameOf(entry.name, target.namespace)
    const judgement = this.#needs.access.judge(target.namespace, target.mailbox)
    return judgement instanceof Promise
      ? judgement.then((decided) => ({ entry, target, isPrefix, isVisible: shows(decided) }))
      : { entry, target, isPrefix, isVisible: shows(judgement) }
  }
}

/** The prefix of a namespace as a name. */
function isNameOf(
  name: string,
  { prefix, separator }: { readonly prefix: string; readonly separator: string },
): boolean {
  return name.length + separator.length === prefix.length && prefix.startsWith(name) && prefix.endsWith(separator)
}

/** `l`. The owner of a mailbox with a broken file sees that it is there, and is told when he opens it. */
export function shows(judgement: Judgement): boolean {
  return judgement.kind === 'broken' ? judgement.isOwner : isMet(NEEDS.list[0], judgement.rights)
}
