import { permissionsOf } from './formats/maildir/permissions.ts'
import { storedAmountIn } from './formats/maildir/stored-amount.ts'
import type { StoreOptions } from './open-store.ts'
import { Places } from './places.ts'
import type { QuotaAmount } from './quota-hook.ts'

/** Mail as it is stored, for quotas that keep files or count what is on disk. */
export class StoredMail {
  readonly #options: StoreOptions
  readonly #places: Places

  constructor(options: StoreOptions) {
    this.#options = options
    this.#places = options.places ?? new Places(options)
  }

  /** Where `maildirsize` lies: beside the control files of a namespace, the first of the user's own without a prefix. */
  maildirsize(prefix: string | undefined): { readonly path: string; readonly fileMode: () => number } | undefined {
    const spec = this.#options.namespaces.find(({ type, location, ...one }) =>
      prefix === undefined ? type === 'private' && typeof location !== 'function' : one.prefix === prefix,
    )
    const location = spec && this.#places.ofSpec(spec)?.location
    if (location?.format !== 'maildir') return undefined
    const directory = location.controlPath ?? location.path
    return { path: `${directory}/maildirsize`, fileMode: () => permissionsOf(directory).fileMode }
  }

  /** Where a mailbox lies, whether it exists or not, by Dovecot's names; what it does not have is left out. */
  async directories(name: string): Promise<ReadonlyMap<string, string>> {
    const place = await this.#places.of(name)
    const { indexPath } = place.location
    const { mail, control, index = mail, indexPrivate } = place.store.directories(place.toStorage(name))
    const found: [string, string | undefined][] = [
      ['mailbox', mail],
      ['dir', mail],
      ['control', control],
      ['index', indexPath === 'MEMORY' ? undefined : index],
      ['index-private', indexPrivate],
    ]
    return new Map(found.filter((entry): entry is [string, string] => entry[1] !== undefined))
  }

  /** How much a mailbox holds, bytes as stored. */
  async storedAmount(name: string): Promise<QuotaAmount> {
    const place = await this.#places.of(name)
    return await storedAmountIn(place.store.directories(place.toStorage(name)).mail)
  }
}
