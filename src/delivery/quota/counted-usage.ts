import type { QuotaAmount } from '../../storage/quota-hook.ts'
import type { Usage } from './usage.ts'

/** A count this old is made again: other programs add and remove mail too. */
const COUNT_MS = 2_000

/** `count`: the mailboxes themselves are counted, nothing is kept that could be wrong. */
export class CountedUsage implements Usage {
  readonly #count: () => Promise<QuotaAmount>
  readonly #now: () => number
  #known: { readonly amount: QuotaAmount; readonly countedMs: number } | undefined

  constructor(count: () => Promise<QuotaAmount>, now: () => number) {
    this.#count = count
    this.#now = now
  }

  async current(): Promise<QuotaAmount> {
    const known = this.#known
    if (known !== undefined && this.#now() - known.countedMs < COUNT_MS) return known.amount
    return await this.fresh()
  }

  async fresh(): Promise<QuotaAmount> {
    const amount = await this.#count()
    this.#known = { amount, countedMs: this.#now() }
    return amount
  }

  note({ messages, sizeBytes }: QuotaAmount): void {
    if (this.#known === undefined) return
    const { amount, countedMs } = this.#known
    this.#known = {
      amount: { messages: amount.messages + messages, sizeBytes: amount.sizeBytes + sizeBytes },
      countedMs,
    }
  }

  async recount(): Promise<void> {
    await this.fresh()
  }

  sizeOf({ sizeBytes }: QuotaAmount): number {
    return sizeBytes
  }
}
