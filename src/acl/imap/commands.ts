// The commands of RFC 4314 between parser and writer: who may, what changes, what to answer. Replies are Dovecot's.
import { type AclAccess, type Judgement, rightsOrNone } from '../access.ts'
import { AclNotUpdated, type AclObject } from '../backends/backend.ts'
import type { AclChange } from '../change.ts'
import { type AclNamespace, viewerIn } from '../namespace.ts'
import { hasLetter } from '../rights.ts'
import { type AclPair, aclPairs } from './get-acl.ts'
import { type ImapIdentifier, parseImapIdentifier } from './identifier.ts'
import { imapRights, LISTRIGHTS, parseRightsChange } from './rights-text.ts'
import { deleteaclChange, setaclChange } from './set-acl.ts'

/** A mailbox as a command names it. */
export interface NamedMailbox {
  readonly namespace: AclNamespace
  /** Storage name. */
  readonly mailbox: string
  /** The virtual name as the client spelled it: it is echoed. */
  readonly typed: string
  /** It exists and can be selected. */
  readonly isSelectable: boolean
}

export type AclReply =
  /** `strings` follow the mailbox name in the untagged reply; the empty ones are to be sent as `""`. */
  | { readonly kind: 'ok'; readonly strings?: readonly string[]; readonly text: string }
  | { readonly kind: 'no'; readonly code?: 'NONEXISTENT' | 'NOPERM'; readonly text: string }
  /** After `Error in IMAP command SETACL: `. */
  | { readonly kind: 'bad'; readonly text: string }

/** Told of every change that was made. */
export type OnAclChange = (
  mailbox: NamedMailbox,
  change: AclChange,
  lines: { readonly before: readonly string[]; readonly after: readonly string[] },
) => Promise<void>

export interface AclCommandsOptions {
  readonly access: AclAccess
  /** `acl_anyone = allow`. */
  readonly allowsAnyone: boolean
  readonly onChange: OnAclChange
  readonly log: (level: 'error', text: string) => void
}

const INTERNAL = 'Internal error occurred. Refer to server log for more information.'

/** What the commands answer where `acl` is not set for the user. LISTRIGHTS answers as always. */
export const ACLS_DISABLED: AclReply = { kind: 'bad', text: 'ACLs disabled.' }

export class AclCommands {
  readonly #options: AclCommandsOptions

  constructor(options: AclCommandsOptions) {
    this.#options = options
  }

  async myRights(mailbox: NamedMailbox): Promise<AclReply> {
    const judgement = await this.#options.access.effective(mailbox.namespace, mailbox.mailbox)
    if (judgement.kind === 'broken') return judgement.isOwner ? { kind: 'no', text: INTERNAL } : notFound(mailbox)
    const { rights } = judgement
    // "post" alone is for deliveries: it says nothing about what this user may see.
    if (rights.size === 0 || (rights.size === 1 && rights.has('post'))) return notFound(mailbox)
    return { kind: 'ok', strings: [imapRights(rights, 'myrights')], text: 'Myrights completed.' }
  }

  /** Nothing is checked: the answer is the same for every mailbox and everybody. */
  listRights(identifier: string): AclReply {
    return { kind: 'ok', strings: [identifier, ...LISTRIGHTS], text: 'Listrights completed.' }
  }

  async getAcl(mailbox: NamedMailbox): Promise<AclReply> {
    const refusal = await this.#refusal(mailbox)
    if (refusal !== undefined) return refusal
    const object = await this.#object(mailbox)
    const { namespace } = mailbox
    const pairs: readonly AclPair[] =
      object.kind === 'broken' ? [] : aclPairs(object.entries, viewerIn(namespace, this.#options.access.identity))
    return { kind: 'ok', strings: pairs.flat(), text: 'Getacl completed.' }
  }

  /** `identifier` as it came, unquoted. Errors of the arguments are told before anything about the mailbox. */
  async setAcl(mailbox: NamedMailbox, identifier: string, rights: string): Promise<AclReply> {
    if (identifier === '') return { kind: 'bad', text: 'Invalid arguments.' }
    const who = parseImapIdentifier(identifier, true, this.#options.allowsAnyone)
    if (typeof who === 'string') return { kind: 'bad', text: who }
    const change = parseRightsChange(rights)
    if (typeof change === 'string') return { kind: 'bad', text: change }
    const refusal = (await this.#refusal(mailbox)) ?? ownerRefusal(mailbox, who)
    if (refusal !== undefined) return refusal
    const object = await this.#object(mailbox)
    if (object.kind === 'broken') return { kind: 'no', text: INTERNAL }
    const viewer = viewerIn(mailbox.namespace, this.#options.access.identity)
    const isPrivate = mailbox.namespace.type === 'private'
    return await this.#update(mailbox, setaclChange(who, change, object.entries, viewer, isPrivate), 'Setacl complete.')
  }

  async deleteAcl(mailbox: NamedMailbox, identifier: string): Promise<AclReply> {
    if (identifier === '') return { kind: 'bad', text: 'Invalid arguments.' }
    const who = parseImapIdentifier(identifier, false, this.#options.allowsAnyone)
    if (typeof who === 'string') return { kind: 'bad', text: who }
    const refusal = await this.#refusal(mailbox)
    if (refusal !== undefined) return refusal
    return await this.#update(mailbox, deleteaclChange(who), 'Deleteacl complete.')
  }

  async #refusal(mailbox: NamedMailbox): Promise<AclReply | undefined> {
    if (!mailbox.isSelectable) return notFound(mailbox)
    const judgement: Judgement = await this.#options.access.judge(mailbox.namespace, mailbox.mailbox)
    // A broken file cannot be shown or changed; Dovecot says the same to the owner.
    if (judgement.kind === 'broken') return notFound(mailbox)
    const rights = rightsOrNone(judgement)
    if (hasLetter(rights, 'a')) return undefined
    if (!hasLetter(rights, 'l')) return notFound(mailbox)
    return { kind: 'no', code: 'NOPERM', text: 'You lack administrator privileges on this mailbox.' }
  }

  async #update(mailbox: NamedMailbox, change: AclChange, text: string): Promise<AclReply> {
    try {
      const update = await this.#options.access.backend.update(mailbox.namespace, mailbox.mailbox, change)
      if (update.isChanged) await this.#options.onChange(mailbox, change, update)
      return { kind: 'ok', text }
    } catch (error) {
      if (!(error instanceof AclNotUpdated)) throw error
      this.#options.log('error', error.message)
      return { kind: 'no', text: INTERNAL }
    }
  }

  async #object({ namespace, mailbox }: NamedMailbox): Promise<AclObject> {
    return await this.#options.access.backend.object(namespace, mailbox)
  }
}

function notFound({ typed }: NamedMailbox): AclReply {
  return { kind: 'no', code: 'NONEXISTENT', text: `Mailbox doesn't exist: ${typed}` }
}

function ownerRefusal({ namespace }: NamedMailbox, { identifier }: ImapIdentifier): AclReply | undefined {
  if (namespace.type !== 'public' || identifier.kind !== 'owner') return undefined
  return { kind: 'no', text: 'Public namespaces have no owner.' }
}
