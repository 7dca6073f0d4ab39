import { setImmediate } from 'node:timers/promises'
import type { FormatRecord } from './formats/format.ts'
import type { SharedMailbox } from './mailbox/shared-mailbox.ts'
import type { MailboxSpec, Place } from './namespace.ts'

/** How long dates are read before others have their turn. */
const SLICE_MS = 4

/** Names of the mailboxes of a place whose old messages go. */
export async function autoexpungedNames(place: Place): Promise<readonly string[]> {
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

/**
 * Removes messages that were saved too long ago, and the first ones of too many: `autoexpunge`, `autoexpunge_max_mails`. As in
 * Dovecot they are looked at in order, until one may stay.
 */
export async function autoexpunge(shared: SharedMailbox, block: MailboxSpec, nowMs: number): Promise<void> {
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
  if (doomed.length > 0) await shared.expunge(doomed, () => true)
}

function isAutoexpunged({ autoexpungeMs, autoexpungeMaxMails }: MailboxSpec): boolean {
  return autoexpungeMs > 0 || autoexpungeMaxMails > 0
}

async function wasSavedBefore({ format }: SharedMailbox, record: FormatRecord, before: number): Promise<boolean> {
  if (before === Number.NEGATIVE_INFINITY) return false
  const saved = await (format.savedDate?.(record) ?? format.internalDate(record))
  return saved <= before
}
