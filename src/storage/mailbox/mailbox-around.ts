import type { FlagChange } from '../flags.ts'
import type { HeaderSummary, MessageSummary } from '../message/message-summary.ts'
import type {
  CopiedUids,
  Mailbox,
  MessageIdentity,
  MessageRecord,
  StoredMessage,
  UidRanges,
  ViewChanges,
} from '../store.ts'
import type { Scratch } from '../scratch.ts'

/** A mailbox that is another one: decorators override what they change. */
export class MailboxAround implements Mailbox {
  protected readonly inner: Mailbox

  constructor(inner: Mailbox) {
    this.inner = inner
  }

  get name(): string {
    return this.inner.name
  }

  get readOnly(): boolean {
    return this.inner.readOnly
  }

  get uidValidity(): number {
    return this.inner.uidValidity
  }

  get uidNext(): number {
    return this.inner.uidNext
  }

  get highestModSeq(): number {
    return this.inner.highestModSeq
  }

  get guid(): string {
    return this.inner.guid
  }

  get keywords(): readonly string[] {
    return this.inner.keywords
  }

  get permanent(): Mailbox['permanent'] {
    return this.inner.permanent
  }

  get count(): number {
    return this.inner.count
  }

  get recent(): number {
    return this.inner.recent
  }

  message(sequence: number): MessageRecord {
    return this.inner.message(sequence)
  }

  sequenceOf(uid: number): number {
    return this.inner.sequenceOf(uid)
  }

  sequenceFrom(uid: number): number {
    return this.inner.sequenceFrom(uid)
  }

  isRecent(uid: number): boolean {
    return this.inner.isRecent(uid)
  }

  sync(options: { readonly expunge: boolean; readonly look: 'now' | 'cached' }): ViewChanges | Promise<ViewChanges> {
    return this.inner.sync(options)
  }

  onChange(listener: () => void): () => void {
    return this.inner.onChange(listener)
  }

  openMessage(uid: number, scratch?: Scratch): StoredMessage | Promise<StoredMessage> {
    return this.inner.openMessage(uid, scratch)
  }

  summaries(
    uids: readonly number[],
    options?: { readonly known: boolean },
  ): AsyncIterable<ReadonlyMap<number, MessageSummary>> {
    return this.inner.summaries(uids, options)
  }

  headers(uids: readonly number[]): AsyncIterable<ReadonlyMap<number, HeaderSummary>> {
    return this.inner.headers(uids)
  }

  sizes(uids: readonly number[]): Promise<ReadonlyMap<number, number>> {
    return this.inner.sizes(uids)
  }

  identity(uid: number): MessageIdentity | undefined {
    return this.inner.identity(uid)
  }

  keepPop3Uidls(uidls: ReadonlyMap<number, string>): Promise<void> {
    return this.inner.keepPop3Uidls(uidls)
  }

  internalDates(uids: readonly number[]): Promise<ReadonlyMap<number, number>> {
    return this.inner.internalDates(uids)
  }

  savedDates(uids: readonly number[]): Promise<ReadonlyMap<number, number>> {
    return this.inner.savedDates(uids)
  }

  store(
    uids: readonly number[],
    change: FlagChange,
    options: { readonly silent: boolean; readonly unchangedSince?: number },
  ): Promise<{ readonly modified: readonly number[] }> {
    return this.inner.store(uids, change, options)
  }

  expunge(uids?: readonly number[]): Promise<void> {
    return this.inner.expunge(uids)
  }

  remove(uids: readonly number[]): Promise<void> {
    return this.inner.remove(uids)
  }

  copy(uids: readonly number[], to: string): Promise<CopiedUids> {
    return this.inner.copy(uids, to)
  }

  move(uids: readonly number[], to: string): Promise<CopiedUids> {
    return this.inner.move(uids, to)
  }

  vanishedSince(modSeq: number): Promise<UidRanges> {
    return this.inner.vanishedSince(modSeq)
  }

  close(): Promise<void> {
    return this.inner.close()
  }
}
