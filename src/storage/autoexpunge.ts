import { setImmediate } from 'node:timers/promises'
import { InternedFlags } from './flag-table.ts'
import type { FormatRecord } from './formats/format.ts'
import { amountOf, removed } from './mailbox/copy.ts'
import type { SharedMailbox } from './mailbox/shared-mailbox.ts'
import type { MailboxSpec, Place } from './namespace.ts'
import type { QuotaHook } from './quota-hook.ts'
import { StoreRefusal } from './refusal.ts'
import type { Mailbox } from './store.ts'
import type { StoreNotice } from './store-notice.ts'

/** How long dates are read before others have their turn. */
const SLICE_MS = 4

/** Names of the mailboxes of a place whose old messages go. */
async function autoexpungedNames(place: Place): Promise<readonly string[]> {
  const blocks = place.spec.mailboxes.filter(isAutoexpunged)
  if (blocks.length === 0) return []
  const literal = blocks.filter(({ name }) => !/[*?]/.test(name))
  const names = new Set(literal.map(({ name }) => name.replaceAll(place.spec.separator, '/')))
  if (literal.length < blocks.length) {
    for (const { name, selectable } of await place.store.list()) {
      const block = place.mailboxSpec(name)
      if (selectable && block !== undefined && isAutoexpunged(block)) names.add(name)
    }
  }
  return [...names]
}

export interface AutoexpungeNeeds {
  readonly hold: (name: string) => Promise<{ readonly shared: SharedMailbox; readonly release: () => void }>
  readonly quota: QuotaHook | undefined
  /** Is told before, with a view of the mailbox. */
  readonly notice: StoreNotice | undefined
  readonly open: (name: string) => Promise<Mailbox>
  /** Milliseconds since 1970. */
  readonly nowMs: number
  readonly complain: (text: string) => void
}

/** Removes old messages of these places; resolves with how many. What cannot be done is complained about. */
export async function autoexpungeAll(places: readonly Place[], needs: AutoexpungeNeeds): Promise<number> {
  let count = 0
  for (const place of places) {
    for (const storage of await autoexpungedNames(place)) {
      try {
        count += await autoexpunge(place, storage, needs)
      } catch (error) {
        // A mailbox that is not there needs no cleaning.
        if (error instanceof StoreRefusal && error.code === 'not-found') continue
        needs.complain(`Failed to autoexpunge mailbox '${place.toVirtual(storage)}': ${String(error)}`)
      }
    }
  }
  return count
}

async function autoexpunge(place: Place, storage: string, needs: AutoexpungeNeeds): Promise<number> {
  const block = place.mailboxSpec(storage)
  if (block === undefined) return 0
  // One that is not there is not made for this.
  const probe = await place.store.open(storage, new InternedFlags())
  await probe.close()
  const name = place.toVirtual(storage)
  const { shared, release } = await needs.hold(name)
  try {
    const doomed = await findDoomed(shared, block, needs.nowMs)
    if (doomed.length === 0) return 0
    const amount = needs.quota && (await amountOf(shared, doomed, needs.quota))
    const tell = await noticeOf(name, doomed, needs)
    await shared.expunge(doomed, () => true)
    tell?.()
    if (amount) await needs.quota?.changed(name, removed(amount))
    return doomed.length
  } finally {
    release()
  }
}

async function noticeOf(
  name: string,
  doomed: readonly FormatRecord[],
  { notice, open }: AutoexpungeNeeds,
): Promise<(() => void) | undefined> {
  if (notice === undefined) return undefined
  const view = await open(name)
  try {
    return await notice.expunging(
      view,
      doomed.map(({ uid }) => uid),
    )
  } finally {
    await view.close()
  }
}

/**
 * Messages that were saved too long ago, and the first ones of too many: `autoexpunge`, `autoexpunge_max_mails`. As in Dovecot
 * they are looked at in order, until one may stay.
 */
async function findDoomed(shared: SharedMailbox, block: MailboxSpec, nowMs: number): Promise<readonly FormatRecord[]> {
  await shared.look('now')
  const { records } = shared.current
  const before = block.autoexpungeMs > 0 ? nowMs - block.autoexpungeMs : Number.NEGATIVE_INFINITY
  const surplus = block.autoexpungeMaxMails > 0 ? records.length - block.autoexpungeMaxMails : 0
  const doomed: FormatRecord[] = []
  let began = performance.now()
  for (const record of records) {
    if (doomed.length >= surplus && !(await wasSavedBefore(shared, record, before))) break
    doomed.push(record)
    if (performance.now() - began < SLICE_MS) continue
    await setImmediate()
    began = performance.now()
  }
  return doomed
}

function isAutoexpunged({ autoexpungeMs, autoexpungeMaxMails }: MailboxSpec): boolean {
  return autoexpungeMs > 0 || autoexpungeMaxMails > 0
}

async function wasSavedBefore({ format }: SharedMailbox, record: FormatRecord, before: number): Promise<boolean> {
  if (before === Number.NEGATIVE_INFINITY) return false
  const saved = await (format.savedDate?.(record) ?? format.internalDate(record))
  return saved <= before
}
