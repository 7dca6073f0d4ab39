import type { FormatContext, MailLocation } from './formats/format.ts'
import { type NamespaceSpec, Place } from './namespace.ts'
import type { StoreOptions } from './open-store.ts'
import { StoreRefusal } from './refusal.ts'
import { ownerPrefix, parseOwner } from './shared-owner.ts'

/** Where the mailboxes of one user are: namespaces, and owners within shared namespaces. Opened when first needed. */
export class Places {
  readonly #options: StoreOptions
  readonly #open = new Map<string, Place>()
  /** LIST asks for every owner again and again. */
  readonly #owned = new WeakMap<
    NamespaceSpec,
    Map<string, { readonly location: MailLocation; readonly place: Place }>
  >()

  constructor(options: StoreOptions) {
    this.#options = options
  }

  /** The place of a virtual name. `not-found` when no namespace holds it. */
  async of(name: string): Promise<Place> {
    const spec = this.specOf(name)
    if (spec === undefined) throw new StoreRefusal('not-found', `Mailbox doesn't exist: ${name}`)
    if (typeof spec.location !== 'function') return this.#place(spec, spec.prefix, spec.location, undefined)
    const rest = name.slice(spec.prefix.length)
    const pattern = spec.ownerPattern ?? ''
    const { user } = this.#options
    const named = parseOwner(pattern, rest, user) ?? parseOwner(pattern, rest + spec.separator, user)
    const place = named && (await this.ofOwner(spec, named.owner))
    if (place === undefined) throw new StoreRefusal('not-found', `Mailbox doesn't exist: ${name}`)
    return place
  }

  /** The namespace of a virtual name: the one with the longest prefix. */
  specOf(name: string): NamespaceSpec | undefined {
    const { namespaces } = this.#options
    if (name === 'INBOX') return namespaces.find(({ inbox }) => inbox)
    let best: NamespaceSpec | undefined
    for (const spec of namespaces) {
      if (spec.prefix.length >= (best?.prefix.length ?? 0) && holds(spec, name)) best = spec
    }
    return best
  }

  /** Whether the name leads to this place, and not to another with a longer or the same prefix. */
  leadsTo(name: string, { spec, owner, prefix }: Place): boolean {
    if (this.specOf(name) !== spec) return false
    if (owner === undefined) return true
    const named = parseOwner(spec.ownerPattern ?? '', prefix.slice(spec.prefix.length), this.#options.user)
    return named?.owner === owner
  }

  /** The namespace that keeps subscriptions of names in namespaces that do not. */
  subscriberOf(name: string): NamespaceSpec | undefined {
    const keeping = this.#options.namespaces.filter(
      ({ subscriptions, location, prefix }) =>
        subscriptions && typeof location !== 'function' && name.startsWith(prefix),
    )
    return keeping.sort((a, b) => b.prefix.length - a.prefix.length)[0]
  }

  /** How a subscription is written: an owner's INBOX as `shared/jane/INBOX`, as Dovecot does. */
  written(name: string): string {
    return this.#isOwnerRoot(name) ? `${name}${this.specOf(name)?.separator ?? '/'}INBOX` : name
  }

  /** The name that a written subscription stands for. */
  shown(name: string): string {
    const spec = this.specOf(name)
    const end = `${spec?.separator ?? '/'}INBOX`
    if (!name.endsWith(end)) return name
    const root = name.slice(0, -end.length)
    return this.#isOwnerRoot(root) ? root : name
  }

  /** `shared/jane`, where that is an owner's INBOX. */
  #isOwnerRoot(name: string): boolean {
    const spec = this.specOf(name)
    if (spec === undefined || typeof spec.location !== 'function' || spec.explicitInbox) return false
    const rest = name.slice(spec.prefix.length) + spec.separator
    return parseOwner(spec.ownerPattern ?? '', rest, this.#options.user)?.length === rest.length
  }

  /** The place that is not shared by owners. */
  ofSpec(spec: NamespaceSpec): Place | undefined {
    return typeof spec.location === 'function' ? undefined : this.#place(spec, spec.prefix, spec.location, undefined)
  }

  /** What an owner shares, at once when it is at hand; `undefined` when there is no such user. */
  ofOwner(spec: NamespaceSpec, owner: string): Place | undefined | Promise<Place | undefined> {
    if (typeof spec.location !== 'function' || owner === this.#options.user) return undefined
    if (this.#owned.get(spec)?.has(owner) !== true && !isPlain(owner)) return undefined
    const location = spec.location(owner)
    return location instanceof Promise
      ? location.then((found) => this.#ofOwnerAt(spec, owner, found))
      : this.#ofOwnerAt(spec, owner, location)
  }

  #ofOwnerAt(spec: NamespaceSpec, owner: string, location: MailLocation | undefined): Place | undefined {
    if (location === undefined) return undefined
    const owned = this.#owned.get(spec) ?? new Map<string, { location: MailLocation; place: Place }>()
    const known = owned.get(owner)
    if (known?.location === location) return known.place
    const place = this.#place(spec, spec.prefix + ownerPrefix(spec.ownerPattern ?? '', owner), location, owner)
    this.#owned.set(spec, owned.set(owner, { location, place }))
    return place
  }

  /** The owner that a pattern without wildcards in that part names: whoever knows the name may ask. */
  ownerNamed(spec: NamespaceSpec, pattern: string): string | undefined {
    if (!pattern.startsWith(spec.prefix)) return undefined
    const named = parseOwner(spec.ownerPattern ?? '', pattern.slice(spec.prefix.length), this.#options.user)
    return named === undefined || /[*%]/.test(named.owner) ? undefined : named.owner
  }

  #place(spec: NamespaceSpec, prefix: string, location: MailLocation, owner: string | undefined): Place {
    const known = this.#open.get(prefix)
    if (known !== undefined) return known
    const { context, settings, user } = this.#options
    const format = context.formats.get(location.format)
    if (format === undefined) throw new Error(`Unknown mail storage driver ${location.format}`)
    const formatContext: FormatContext = {
      user: owner ?? user,
      hostname: context.hostname,
      separator: spec.separator,
      settings,
      inbox: spec.inbox || owner !== undefined,
      now: () => context.now(),
      log: (level, text) => this.#options.log(level, text),
    }
    const place = new Place({ spec, prefix, location, owner, store: format.open(location, formatContext) })
    this.#open.set(prefix, place)
    return place
  }
}

/** A name under the prefix, or the prefix itself without its separator. */
function holds({ prefix, separator }: NamespaceSpec, name: string): boolean {
  return name.startsWith(prefix) || (name + separator === prefix && name !== '')
}

/** A user's name becomes part of a path: it must not lead anywhere else, nor say more than a name does in a location. */
function isPlain(owner: string): boolean {
  return !/[/:\0]/.test(owner) && !owner.split('@').some((part) => part === '.' || part === '..')
}
