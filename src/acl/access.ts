// One session's rights: what this user may do with which mailbox, now.
import type { AclFileProblem } from './acl-file.ts'
import type { AclBackend, AclObject } from './backends/backend.ts'
import { weighEntries } from './effective.ts'
import { type AclIdentity, type AclNamespace, ancestors, viewerIn } from './namespace.ts'
import { KnownMailboxes } from './known-mailboxes.ts'
import { ALL_RIGHTS, NO_RIGHTS, type Rights } from './rights.ts'
import { wildcardMatches } from '../util/wildcard.ts'

export type Judgement =
  | { readonly kind: 'rights'; readonly rights: Rights }
  /** The ACL file cannot be used: the owner gets an error, everybody else must not learn that the mailbox exists. */
  | { readonly kind: 'broken'; readonly problem: AclFileProblem; readonly isOwner: boolean }

export interface AclAccessOptions {
  readonly backend: AclBackend
  readonly identity: AclIdentity
  /** `acl_ignore_namespace`. */
  readonly ignoredNamespaces: readonly string[]
}

const ALLOWED: Judgement = { kind: 'rights', rights: ALL_RIGHTS }

interface Known {
  readonly own: AclObject
  readonly defaults: AclObject | undefined
  readonly judgement: Judgement
}

export class AclAccess {
  readonly backend: AclBackend
  readonly identity: AclIdentity
  readonly #ignoredNamespaces: readonly string[]
  readonly #known = new KnownMailboxes<Known>()

  constructor({ backend, identity, ignoredNamespaces }: AclAccessOptions) {
    this.backend = backend
    this.identity = identity
    this.#ignoredNamespaces = ignoredNamespaces
  }

  /** All checks pass here: `acl_ignore_namespace` matches the prefix. What MYRIGHTS shows is still the truth. */
  isIgnored({ prefix }: AclNamespace): boolean {
    return this.#ignoredNamespaces.some((pattern) => wildcardMatches(prefix, pattern))
  }

  /** What counts for checks: everything in an ignored namespace. Comes at once when it is at hand. */
  judge(namespace: AclNamespace, mailbox: string): Judgement | Promise<Judgement> {
    return this.isIgnored(namespace) ? ALLOWED : this.effective(namespace, mailbox)
  }

  /** How long the last judgement holds while the backend's version is the same; milliseconds since 1970. */
  judgedUntilMs(namespace: AclNamespace, mailbox: string): number {
    if (this.isIgnored(namespace)) return Number.POSITIVE_INFINITY
    const known = this.#known.get(namespace, mailbox)
    if (known === undefined) return 0
    const ownMs = this.backend.freshUntilMs(namespace, mailbox)
    return known.defaults === undefined ? ownMs : Math.min(ownMs, this.backend.freshUntilMs(namespace, ''))
  }

  /** The rights by entries alone. The empty name is the default object. */
  effective(namespace: AclNamespace, mailbox: string): Judgement | Promise<Judgement> {
    const own = this.backend.object(namespace, mailbox)
    return own instanceof Promise
      ? own.then((object) => this.#weigh(namespace, mailbox, object))
      : this.#weigh(namespace, mailbox, own)
  }

  #weigh(namespace: AclNamespace, mailbox: string, own: AclObject): Judgement | Promise<Judgement> {
    const known = this.#known.get(namespace, mailbox)
    if (known?.own === own)
      return known.defaults === undefined ? known.judgement : this.#byDefault(namespace, mailbox, own)
    const viewer = viewerIn(namespace, this.identity)
    const weighed = own.kind === 'broken' ? undefined : weighEntries(own.entries, viewer)
    if (weighed?.isDecided === false && mailbox !== '') return this.#byDefault(namespace, mailbox, own)
    const judgement: Judgement =
      own.kind === 'broken'
        ? { ...own, isOwner: viewer.isOwner }
        : { kind: 'rights', rights: weighed?.rights ?? NO_RIGHTS }
    this.#known.set(namespace, mailbox, { own, defaults: undefined, judgement })
    return judgement
  }

  /**
   * The mailbox whose rights decide about making one of this name, and whose entries it inherits: the nearest one above that
   * exists and can be selected, or that the administrator's files name; else the default object.
   */
  async parentOf(
    namespace: AclNamespace,
    mailbox: string,
    isSelectable: (mailbox: string) => boolean | Promise<boolean>,
  ): Promise<string> {
    for (const name of ancestors(mailbox)) {
      if ((await this.backend.hasGlobalEntries(namespace, name)) || (await isSelectable(name))) return name
    }
    return ''
  }

  #byDefault(namespace: AclNamespace, mailbox: string, own: AclObject): Judgement | Promise<Judgement> {
    const defaults = this.backend.object(namespace, '')
    return defaults instanceof Promise
      ? defaults.then((object) => this.#weighDefault(namespace, mailbox, { own, defaults: object }))
      : this.#weighDefault(namespace, mailbox, { own, defaults })
  }

  #weighDefault(
    namespace: AclNamespace,
    mailbox: string,
    { own, defaults }: { readonly own: AclObject; readonly defaults: AclObject },
  ): Judgement {
    const known = this.#known.get(namespace, mailbox)
    if (known?.own === own && known.defaults === defaults) return known.judgement
    const viewer = viewerIn(namespace, this.identity)
    const judgement: Judgement =
      defaults.kind === 'broken'
        ? { ...defaults, isOwner: viewer.isOwner }
        : { kind: 'rights', rights: weighEntries(defaults.entries, viewer).rights }
    this.#known.set(namespace, mailbox, { own, defaults, judgement })
    return judgement
  }
}

/** The rights, where a broken file gives none. */
export function rightsOrNone(judgement: Judgement): Rights {
  return judgement.kind === 'rights' ? judgement.rights : NO_RIGHTS
}
