import type { Settings } from '../../../config/config.ts'
import type { RemoteMail, RemotePlace } from '../../../protocols/remote-mail.ts'
import { IMAPC } from '../../../storage/formats/imapc.ts'
import { isTold } from '../../../storage/list-mailboxes.ts'
import type { NamespaceSpec, Place } from '../../../storage/namespace.ts'
import type { StoreOptions } from '../../../storage/open-store.ts'
import { Places } from '../../../storage/places.ts'
import { StoreRefusal } from '../../../storage/refusal.ts'
import { ImapcPlace, type ImapcUser } from './imapc-place.ts'

/** This server shares its users with others, and need not know all of them. */
export function mayHaveMailElsewhere(
  settings: Pick<Settings, 'postern_remote_owners' | 'imapc_host' | 'imapc_password'>,
): boolean {
  return settings.postern_remote_owners || settings.imapc_host !== '' || !settings.imapc_password.isEmpty
}

/** Namespaces in which there may be mailboxes that other servers keep. */
export function imapcNamespaces(
  namespaces: readonly NamespaceSpec[],
  { postern_remote_owners: isRouted, imapc_password: password }: Settings,
): readonly NamespaceSpec[] {
  return namespaces.filter(({ location }) =>
    typeof location === 'function' ? isRouted || !password.isEmpty : location.format === IMAPC,
  )
}

/** The mailboxes of a user that other servers keep. `owners`: who may share something with him. */
export function openImapcMail(
  options: StoreOptions,
  user: ImapcUser,
  owners: () => Promise<readonly string[]>,
): RemoteMail {
  return new ImapcMail(options, user, owners)
}

class ImapcMail implements RemoteMail {
  readonly #places: Places
  readonly #user: ImapcUser
  readonly #owners: () => Promise<readonly string[]>
  readonly #namespaces: readonly NamespaceSpec[]
  readonly #known = new WeakMap<Place, RemotePlace>()

  constructor(options: StoreOptions, user: ImapcUser, owners: () => Promise<readonly string[]>) {
    this.#places = new Places(options)
    this.#user = user
    this.#owners = owners
    this.#namespaces = imapcNamespaces(options.namespaces, user.settings)
  }

  async locate(name: string): Promise<RemotePlace | undefined> {
    const spec = this.#places.specOf(name)
    if (spec === undefined || !this.#namespaces.includes(spec)) return undefined
    try {
      return this.#remoteOf(await this.#places.of(name))
    } catch (error) {
      if (error instanceof StoreRefusal) return undefined
      throw error
    }
  }

  async places(patterns: readonly string[]): Promise<readonly RemotePlace[]> {
    const found = await Promise.all(this.#namespaces.map((spec) => this.#placesIn(spec, patterns)))
    return found.flat().flatMap((place) => this.#remoteOf(place) ?? [])
  }

  async #placesIn(spec: NamespaceSpec, patterns: readonly string[]): Promise<readonly Place[]> {
    if (spec.aliasFor !== undefined || !isAsked(spec, patterns)) return []
    const own = this.#places.ofSpec(spec)
    if (own !== undefined) return [own]
    const named = patterns.flatMap((pattern) => this.#places.ownerNamed(spec, pattern) ?? [])
    const owners = [...new Set([...(await this.#owners()), ...named])]
    const found = await Promise.all(owners.map((owner) => this.#placeOf(spec, owner)))
    return found.filter((place) => place !== undefined)
  }

  async #placeOf(spec: NamespaceSpec, owner: string): Promise<Place | undefined> {
    try {
      return await this.#places.ofOwner(spec, owner)
    } catch (error) {
      this.#user.log('error', `imapc: ${owner}: ${error instanceof Error ? error.message : String(error)}`)
      return undefined
    }
  }

  #remoteOf(place: Place): RemotePlace | undefined {
    if (place.format !== IMAPC) return undefined
    const known = this.#known.get(place) ?? new ImapcPlace(place, this.#user)
    this.#known.set(place, known)
    return known
  }
}

/** A pattern can only match below a prefix with which it agrees up to its first wildcard. */
function isAsked(spec: NamespaceSpec, patterns: readonly string[]): boolean {
  const { prefix } = spec
  return patterns.some((pattern) => {
    const wildcard = pattern.search(/[*%]/)
    const fixed = wildcard < 0 ? pattern : pattern.slice(0, wildcard)
    if (!isTold(spec, [pattern])) return false
    return fixed.startsWith(prefix) || (wildcard >= 0 && prefix.startsWith(fixed)) || /^inbox/i.test(pattern)
  })
}
