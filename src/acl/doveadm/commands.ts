// `doveadm acl` over one user's namespaces: rows and texts, printed by others. Checks are the administrator's business.
import { type AclAccess, rightsOrNone } from '../access.ts'
import { AclNotUpdated, type AclObject, type AclUpdate } from '../backends/backend.ts'
import type { AclChange } from '../change.ts'
import { problemText } from '../acl-file.ts'
import { identifierMatches } from '../identifier.ts'
import { type AclNamespace, viewerIn, virtualName } from '../namespace.ts'
import { applyRecursively, type PlannedUpdate, planRecursively } from '../recursive.ts'
import { hasLetter } from '../rights.ts'
import { findShared } from '../visibility/acl-list.ts'
import type { AclVisibility } from '../visibility/visibility.ts'
import { type AclRow, aclRow, rightsWords } from './words.ts'

/** A mailbox as the administrator named it, and what is known of it. */
export interface DoveadmMailbox {
  readonly namespace: AclNamespace
  /** Storage name. */
  readonly mailbox: string
  readonly exists: boolean
  /** Its directory. */
  readonly path: string
  /** \Seen is kept per user (INDEXPVT). */
  readonly hasPrivateSeen: boolean
}

/** Exit code and message of a command that fails. */
export class DoveadmAclFailure extends Error {
  override readonly name = 'DoveadmAclFailure'
  /** 68: not found; 75: it may work later. */
  readonly exitCode: 68 | 75

  constructor(exitCode: 68 | 75, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}

export interface DoveadmAclOptions {
  readonly access: AclAccess
  readonly visibility: AclVisibility
  readonly onChange: (mailbox: DoveadmMailbox, change: AclChange, update: AclUpdate) => Promise<void>
}

export class DoveadmAcl {
  readonly #options: DoveadmAclOptions

  constructor(options: DoveadmAclOptions) {
    this.#options = options
  }

  /** `acl get [-m]`: entries in the order they are weighed, all or those that apply to the user. */
  async get(mailbox: DoveadmMailbox, onlyMatching: boolean): Promise<readonly AclRow[]> {
    const { entries } = await this.#entries(mailbox)
    const viewer = viewerIn(mailbox.namespace, this.#options.access.identity)
    return entries.filter(({ identifier }) => !onlyMatching || identifierMatches(identifier, viewer)).map(aclRow)
  }

  /** `acl rights`. */
  async rights(mailbox: DoveadmMailbox): Promise<string> {
    await this.#entries(mailbox)
    const judgement = await this.#options.access.effective(mailbox.namespace, mailbox.mailbox)
    return rightsWords(rightsOrNone(judgement))
  }

  /** `acl set|add|remove|delete`. */
  async change(mailbox: DoveadmMailbox, change: AclChange): Promise<AclUpdate> {
    const { namespace, mailbox: name } = mailbox
    this.#demand(mailbox)
    try {
      const update = await this.#options.access.backend.update(namespace, name, change)
      if (update.isChanged) {
        await this.#options.onChange(mailbox, change, update)
        await this.#options.visibility.refresh(namespace)
      }
      return update
    } catch (error) {
      if (!(error instanceof AclNotUpdated)) throw error
      throw new DoveadmAclFailure(75, `Failed to set ACL: ${error.message}`, { cause: error })
    }
  }

  /** `acl set --recursive`, `--dry-run`: a change to this mailbox, and with `recursive` to those below it. */
  async changeMany(
    mailbox: DoveadmMailbox,
    change: AclChange,
    { recursive, dryRun, nowMs }: { readonly recursive: boolean; readonly dryRun: boolean; readonly nowMs: number },
  ): Promise<readonly PlannedUpdate[]> {
    const { namespace, mailbox: name } = mailbox
    if (!recursive) this.#demand(mailbox)
    const { backend } = this.#options.access
    if (dryRun) {
      const planned = await planRecursively(backend, namespace, name, change, nowMs)
      return planned.filter((one) => recursive || one.mailbox === name)
    }
    const made = await applyRecursively(backend, namespace, name, change)
    for (const one of made) {
      if (one.kind === 'update' && one.isChanged)
        await this.#options.onChange({ ...mailbox, mailbox: one.mailbox }, change, one)
    }
    await this.#options.visibility.refresh(namespace)
    return made
  }

  /** `acl debug`: lines for stderr, level and text. */
  async debug(mailbox: DoveadmMailbox): Promise<readonly (readonly [level: 'info' | 'error', text: string])[]> {
    const { namespace, mailbox: name, path, exists } = mailbox
    if (!exists) {
      const text = `Mailbox '${name}' in namespace '${namespace.prefix}' doesn't exist in ${path}`
      throw new DoveadmAclFailure(68, text)
    }
    const lines: (readonly ['info' | 'error', string])[] = [
      ['info', `Mailbox '${name}' is in namespace '${namespace.prefix}'`],
      ['info', `Mailbox path: ${path}`],
      ['info', flagsText(mailbox)],
    ]
    const isVisible = await this.#debugRights(mailbox, (level, text) => lines.push([level, text]))
    const full = virtualName(namespace, name)
    lines.push(
      isVisible ? ['info', `Mailbox ${full} is visible in LIST`] : ['info', `Mailbox ${full} is NOT visible in LIST`],
    )
    return lines
  }

  async #debugRights(mailbox: DoveadmMailbox, say: (level: 'info' | 'error', text: string) => void): Promise<boolean> {
    const { access } = this.#options
    const user = access.identity.loginUser
    const rights = rightsOrNone(await access.effective(mailbox.namespace, mailbox.mailbox))
    say(
      'info',
      rights.size === 0 ? `User ${user} has no rights for mailbox` : `User ${user} has rights: ${rightsWords(rights)}`,
    )
    if (!hasLetter(rights, 'l')) {
      say('error', `User ${user} is missing 'lookup' right`)
      return false
    }
    return await this.#debugVisibility(mailbox, say)
  }

  async #debugVisibility(
    { namespace, mailbox }: DoveadmMailbox,
    say: (level: 'info' | 'error', text: string) => void,
  ): Promise<boolean> {
    const { access, visibility } = this.#options
    if (namespace.type === 'private') {
      say('info', "Mailbox in user's private namespace")
      return true
    }
    const shared = await findShared(namespace, access.backend)
    const isShared = shared.some((one) => one.mailbox === mailbox)
    say(
      isShared ? 'info' : 'error',
      isShared ? 'Mailbox found from dovecot-acl-list' : 'Mailbox not found from dovecot-acl-list',
    )
    if (namespace.type === 'public') {
      say('info', 'Mailbox is in public namespace')
      return true
    }
    const owner = namespace.owner ?? ''
    if ((await visibility.owners(access.identity)).includes(owner)) {
      say('info', `User ${owner} found from ACL shared dict`)
      return true
    }
    say('error', `User ${owner} not found from ACL shared dict, rebuilding`)
    await visibility.refresh(namespace)
    const isFound = (await visibility.owners(access.identity)).includes(owner)
    if (isFound) say('info', `User ${owner} found from ACL shared dict`)
    return isFound
  }

  async #entries(mailbox: DoveadmMailbox): Promise<AclObject & { kind: 'entries' }> {
    this.#demand(mailbox)
    const object = await this.#options.access.backend.object(mailbox.namespace, mailbox.mailbox)
    if (object.kind === 'broken') throw new DoveadmAclFailure(75, problemText(object.problem))
    return object
  }

  #demand({ namespace, mailbox, exists }: DoveadmMailbox): void {
    if (exists) return
    const name = virtualName(namespace, mailbox)
    throw new DoveadmAclFailure(68, `Can't open mailbox ${name}: Mailbox doesn't exist: ${name}`)
  }
}

function flagsText({ hasPrivateSeen }: DoveadmMailbox): string {
  if (hasPrivateSeen) return String.raw`Per-user private flags in mailbox: \Seen`
  return 'All message flags are shared across users in mailbox'
}
