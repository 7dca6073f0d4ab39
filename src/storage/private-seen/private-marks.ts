import { type IndexFile, type IndexLog, messageOf } from '../index/index-file.ts'
import type { SharedMailbox } from '../mailbox/shared-mailbox.ts'
import type { Place } from '../namespace.ts'
import type { Indexes } from '../store-context.ts'
import type { MailboxStatus } from '../store.ts'
import { readDovecotSeen } from './dovecot-seen.ts'
import { PrivateRows } from './private-rows.ts'
import { PrivateSeen } from './private-seen.ts'

/** Of every open mailbox, what its users have seen, by the file it is kept in: all sessions of a user share one. */
const known = new WeakMap<SharedMailbox, Map<string, PrivateSeen>>()

export interface PrivateMarksNeeds {
  readonly indexes: Indexes
  /** Opens a mailbox, or shares the one that is open. */
  hold(name: string): Promise<HeldMailbox & { readonly release: () => void }>
  readonly log: IndexLog
}

export interface HeldMailbox {
  readonly shared: SharedMailbox
  readonly place: Place
  readonly storage: string
}

export interface SignedMailbox {
  readonly place: Place
  readonly storage: string
  /** Of the mailbox's files, before anything else was asked. */
  readonly signature: string | undefined
}

/** A user's own \Seen in the places where he has them: `INDEXPVT`. */
export class PrivateMarks {
  readonly #needs: PrivateMarksNeeds

  constructor(needs: PrivateMarksNeeds) {
    this.#needs = needs
  }

  /** Those in an open mailbox; `undefined` where \Seen is everybody's. */
  of({ shared, place, storage }: HeldMailbox): PrivateSeen | undefined {
    const path = place.location.indexPrivatePath
    if (path === undefined) return undefined
    const users = known.get(shared) ?? new Map<string, PrivateSeen>()
    known.set(shared, users)
    const found = users.get(path)
    if (found !== undefined) return found
    const { guid } = shared.format
    const rows = this.#rows(place, storage, { guid, uidValidity: shared.uidValidity })
    const { log } = this.#needs
    const directory = place.store.directories(storage).indexPrivate
    const before = directory === undefined ? {} : { before: () => readDovecotSeen(directory, log) }
    const seen = new PrivateSeen({ shared, rows, log, ...before })
    users.set(path, seen)
    return seen
  }

  /** What marks messages that the user put into a mailbox; `undefined` where \Seen is everybody's. */
  markerIn({ location }: Place, name: string): ((uids: readonly number[]) => Promise<void>) | undefined {
    return location.indexPrivatePath === undefined ? undefined : (uids) => this.#mark(name, uids)
  }

  /** A status as everybody sees it, with the number of messages that this user has not seen. */
  async statusOf(name: string, signed: SignedMailbox, status: MailboxStatus): Promise<MailboxStatus> {
    if (signed.place.location.indexPrivatePath === undefined) return status
    return { ...status, unseen: this.#keptUnseen(signed, status) ?? (await this.#countUnseen(name, signed)) }
  }

  /** The messages are there, whether they can be marked or not. */
  async #mark(name: string, uids: readonly number[]): Promise<void> {
    try {
      const held = await this.#needs.hold(name)
      try {
        await this.of(held)?.mark(uids, true)
      } finally {
        held.release()
      }
    } catch (error) {
      this.#needs.log('error', `INDEXPVT: new messages of ${name} stay unseen: ${messageOf(error)}`)
    }
  }

  async #countUnseen(name: string, { place, storage, signature }: SignedMailbox): Promise<number> {
    const held = await this.#needs.hold(name)
    try {
      await held.shared.look('now')
      const seen = this.of(held)
      seen?.refresh()
      const unseen = seen?.countUnseen() ?? 0
      if (signature !== undefined && signature === place.store.signature?.(storage)) seen?.keepUnseen(signature, unseen)
      return unseen
    } finally {
      held.release()
    }
  }

  #keptUnseen({ place, storage, signature }: SignedMailbox, { guid, uidValidity }: MailboxStatus): number | undefined {
    if (signature === undefined) return undefined
    try {
      return this.#rows(place, storage, { guid, uidValidity })?.keptUnseen(signature)
    } catch {
      // Whoever opens the mailbox says why.
      return undefined
    }
  }

  #rows(
    place: Place,
    storage: string,
    { guid, uidValidity }: Pick<MailboxStatus, 'guid' | 'uidValidity'>,
  ): PrivateRows | undefined {
    const { location } = place
    const { indexes, log } = this.#needs
    const file = (): IndexFile | undefined => indexes.privateFileOf?.({ location, log })
    if (file() === undefined) return undefined
    return new PrivateRows(
      () => {
        const open = file()
        if (open === undefined) throw new Error('there is no file')
        return open
      },
      { guid: guid || `${location.path}/${storage}`, uidValidity },
    )
  }
}
