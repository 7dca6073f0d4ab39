// Messages on their way into a mailbox: flags that may not be set there are left out, UIDs that may not be read are not told.
import type { Appending, NewMessage, StoredSizes } from '../../storage/store.ts'
import type { FlagRights } from './flag-rights.ts'

export class AclAppending implements Appending {
  readonly #appending: Appending
  readonly #flags: FlagRights
  readonly #tellsUids: boolean

  constructor(appending: Appending, { flags, tellsUids }: { readonly flags: FlagRights; readonly tellsUids: boolean }) {
    this.#appending = appending
    this.#flags = flags
    this.#tellsUids = tellsUids
  }

  get mailbox(): string {
    return this.#appending.mailbox
  }

  get ended(): StoredSizes | undefined {
    return this.#appending.ended
  }

  begin(message: NewMessage): Promise<void> {
    const { bits, keywords } = this.#flags
    return this.#appending.begin({ ...message, bits: message.bits & bits, keywords: keywords ? message.keywords : [] })
  }

  write(chunk: Uint8Array): void | Promise<void> {
    return this.#appending.write(chunk)
  }

  end(): Promise<void> {
    return this.#appending.end()
  }

  /** No UIDs where the mailbox may not be read. */
  async commit(): Promise<{ readonly uidValidity: number; readonly uids: readonly number[] }> {
    const committed = await this.#appending.commit()
    return this.#tellsUids ? committed : { uidValidity: committed.uidValidity, uids: [] }
  }

  abort(): Promise<void> {
    return this.#appending.abort()
  }
}
