import type { Mailbox } from '../../../storage/store.ts'
import { STAR, parseSequenceSet, type SequenceSet } from '../wire/sequence-set.ts'
import type { Argument } from '../wire/argument-reader.ts'
import { BadCommand } from './bad-command.ts'

/** Numbers of messages in the view: ranges, ascending, apart, inclusive. */
export type NumberRanges = readonly (readonly [first: number, last: number])[]

/** A sequence set or a set of UIDs as an argument. Throws BadCommand. */
export function parseMessageSet(argument: Argument | undefined, uid: boolean): SequenceSet {
  const set = argument?.kind === 'atom' ? parseSequenceSet(argument.text) : undefined
  if (set === undefined) throw new BadCommand(uid ? 'Invalid uidset' : 'Invalid messageset')
  return set
}

/** Which messages a set names now. Throws BadCommand when it names a number that no message has; UIDs may be any. */
export function messageNumbers(mailbox: Mailbox, set: SequenceSet, uid: boolean): NumberRanges {
  return uid ? numbersOfUids(mailbox, set) : checkedNumbers(mailbox.count, set)
}

/** How many messages ranges name. */
export function countNumbers(ranges: NumberRanges): number {
  return ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0)
}

/** UIDs of the messages that are still there, ascending. */
export function uidsOf(mailbox: Mailbox, ranges: NumberRanges): number[] {
  const uids: number[] = []
  for (const [first, last] of ranges) {
    for (let number = first; number <= last; number++) {
      const message = mailbox.message(number)
      if (!message.expunged) uids.push(message.uid)
    }
  }
  return uids
}

function checkedNumbers(count: number, set: SequenceSet): NumberRanges {
  const ranges: [number, number][] = []
  for (const [first, last] of set) {
    const low = first === STAR ? count : first
    const high = last === STAR ? count : last
    if (low > count || high > count || count === 0) throw new BadCommand('Invalid messageset')
    add(ranges, Math.min(low, high), Math.max(low, high))
  }
  return ranges
}

function numbersOfUids(mailbox: Mailbox, set: SequenceSet): NumberRanges {
  const { count } = mailbox
  const ranges: [number, number][] = []
  if (count === 0) return ranges
  const largest = mailbox.message(count).uid
  for (const [first, last] of set) {
    // `999:*` is the last message, however small its UID.
    const low = mailbox.sequenceFrom(last === STAR ? Math.min(first, largest) : first)
    const after = last >= largest ? count + 1 : mailbox.sequenceFrom(last + 1)
    if (low < after) add(ranges, low, after - 1)
  }
  return ranges
}

/** Ranges come ascending, but `*` may lie inside another one. */
function add(ranges: [number, number][], first: number, last: number): void {
  const before = ranges.at(-1)
  if (before === undefined || first > before[1] + 1) ranges.push([first, last])
  else before[1] = Math.max(before[1], last)
}
