import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FormatEntry } from './formats/format.ts'
import type { NamespaceSpec, Place } from './namespace.ts'
import type { StoreOptions } from './open-store.ts'
import type { Places } from './places.ts'
import { literalsOf, mayMatchBelow } from './list-reach.ts'
import type { MailboxEntry } from './store.ts'

/** All mailboxes that may match one of the patterns; the same array as long as nothing changed. */
export async function listMailboxes(
  options: StoreOptions,
  places: Places,
  patterns: readonly string[],
): Promise<readonly MailboxEntry[]> {
  const literals = literalsOf(patterns)
  const parts: ReadonlyMap<string, MailboxEntry>[] = []
  for (const spec of options.namespaces) {
    const isAsked = mayMatchBelow(spec.prefix, literals) || (spec.inbox && mayMatchBelow('INBOX', literals))
    if (spec.aliasFor !== undefined || !isAsked || !isTold(spec, patterns)) continue
    parts.push(await namespaceEntries({ options, places, patterns, literals }, spec))
  }
  const last = lists.get(places) ?? []
  const before = last.find((list) => isSame(list.parts, parts))
  if (before !== undefined) return before.entries
  const found = new Map<string, MailboxEntry>()
  for (const part of parts)
    for (const entry of part.values()) if (found.get(entry.name)?.selectable !== true) found.set(entry.name, entry)
  const entries = [...found.values()]
  lists.set(places, [{ parts, entries }, ...last].slice(0, LISTS))
  return entries
}

/** Whether names of a namespace are told to who asks for these patterns: with list=no they must begin with its prefix. */
export function isTold({ list, prefix }: Pick<NamespaceSpec, 'list' | 'prefix'>, patterns: readonly string[]): boolean {
  return list !== 'no' || patterns.some((pattern) => prefix !== '' && pattern.startsWith(prefix))
}

/** What was listed last: everything, and what a command asked for in between. */
const lists = new WeakMap<Places, readonly KnownList[]>()
export const LISTS = 2

interface KnownList {
  readonly parts: readonly unknown[]
  readonly entries: readonly MailboxEntry[]
}

interface Asking {
  readonly options: StoreOptions
  readonly places: Places
  readonly patterns: readonly string[]
  readonly literals: readonly string[]
}

async function namespaceEntries(asking: Asking, spec: NamespaceSpec): Promise<ReadonlyMap<string, MailboxEntry>> {
  const { places } = asking
  const parts = await partsOf(await placesOf(asking, spec))
  const before = whole.get(places)?.get(spec)
  if (before !== undefined && isSame(before.parts, parts)) return before.entries
  const entries = joinParts(spec, parts)
  const known = whole.get(places) ?? new Map<NamespaceSpec, Whole>()
  whole.set(places, known.set(spec, { parts, entries }))
  return entries
}

interface Whole {
  readonly parts: readonly (readonly MailboxEntry[])[]
  readonly entries: ReadonlyMap<string, MailboxEntry>
}

/** What namespaces were told to hold last: with a thousand owners most of LIST would be putting it together again. */
const whole = new WeakMap<Places, Map<NamespaceSpec, Whole>>()

function isSame(before: readonly unknown[], parts: readonly unknown[]): boolean {
  return before.length === parts.length && parts.every((part, at) => part === before[at])
}

/** Directories are read for so long, then other sessions of the process have their turn. */
const TURN_MS = 10

async function partsOf(places: readonly Place[]): Promise<readonly (readonly MailboxEntry[])[]> {
  const parts: (readonly MailboxEntry[])[] = []
  let beganMs = performance.now()
  for (const place of places) {
    const part = entriesOf(place)
    parts.push(part instanceof Promise ? await part : part)
    if (parts.length % 16 !== 0 || performance.now() - beganMs < TURN_MS) continue
    await nextTurn()
    beganMs = performance.now()
  }
  return parts
}

function joinParts(
  spec: NamespaceSpec,
  parts: readonly (readonly MailboxEntry[])[],
): ReadonlyMap<string, MailboxEntry> {
  const entries = new Map<string, MailboxEntry>()
  for (const part of parts) for (const entry of part) entries.set(entry.name, entry)
  addParents(spec, entries)
  // The prefix itself: with list=children only when something is below.
  const root = spec.prefix.endsWith(spec.separator) ? spec.prefix.slice(0, -spec.separator.length) : spec.prefix
  if (root !== '' && root !== 'INBOX' && spec.list === 'yes' && !entries.has(root)) {
    entries.set(root, directory(spec, root))
  }
  return entries
}

async function placesOf(
  { options, places, patterns, literals }: Asking,
  spec: NamespaceSpec,
): Promise<readonly Place[]> {
  const own = places.ofSpec(spec)
  if (own !== undefined) return [own]
  const owners = (await options.owners?.()) ?? []
  const named = patterns.flatMap((pattern) => places.ownerNamed(spec, pattern) ?? [])
  const all = named.length === 0 ? owners : [...new Set([...owners, ...named])]
  const found = all.map((owner) => ofOwner(places, spec, owner))
  const there: Place[] = []
  for (const one of found) {
    const place = one instanceof Promise ? await one : one
    if (place !== undefined && mayMatchBelow(place.prefix, literals)) there.push(place)
  }
  return there
}

/** An owner of whom nobody can say where his mail is hides no other. */
function ofOwner(places: Places, spec: NamespaceSpec, owner: string): Place | undefined | Promise<Place | undefined> {
  try {
    const place = places.ofOwner(spec, owner)
    return place instanceof Promise ? place.catch(() => undefined) : place
  } catch {
    return undefined
  }
}

/** Of the list that a place's store gave last: the same entries come as long as that list is the same. */
const known = new WeakMap<
  Place,
  { readonly listed: readonly FormatEntry[]; readonly entries: readonly MailboxEntry[] }
>()

function entriesOf(place: Place): readonly MailboxEntry[] | Promise<readonly MailboxEntry[]> {
  const listed = place.store.list()
  return listed instanceof Promise ? listed.then((entries) => entriesIn(place, entries)) : entriesIn(place, listed)
}

function entriesIn(place: Place, listed: readonly FormatEntry[]): readonly MailboxEntry[] {
  const before = known.get(place)
  if (before?.listed === listed) return before.entries
  const entries = makeEntries(place, listed)
  known.set(place, { listed, entries })
  return entries
}

const NO_USE: readonly string[] = []

/** An entry that knows where its mailbox is. */
class PlacedEntry implements MailboxEntry {
  readonly name: string
  readonly namespace: MailboxEntry['namespace']
  readonly selectable: boolean
  readonly noInferiors: boolean
  readonly specialUse: readonly string[]
  readonly existing: boolean
  readonly #place: Place
  readonly #storage: string

  constructor(
    { name, namespace, selectable, noInferiors, specialUse, existing }: MailboxEntry,
    place: Place,
    storage: string,
  ) {
    this.name = name
    this.namespace = namespace
    this.selectable = selectable
    this.noInferiors = noInferiors
    this.specialUse = specialUse
    this.existing = existing
    this.#place = place
    this.#storage = storage
  }

  static whereIs(entry: MailboxEntry): { readonly place: Place; readonly storage: string } | undefined {
    return #place in entry ? { place: entry.#place, storage: entry.#storage } : undefined
  }
}

/** Where the mailbox of a listed entry is; `undefined` for what only stands above others. */
export function whereIs(entry: MailboxEntry): { readonly place: Place; readonly storage: string } | undefined {
  return PlacedEntry.whereIs(entry)
}

function makeEntries(place: Place, listed: readonly FormatEntry[]): readonly MailboxEntry[] {
  const { spec } = place
  const entries = new Map<string, MailboxEntry>()
  const add = (storage: string, facts: Pick<MailboxEntry, 'selectable' | 'noInferiors' | 'existing'>): void => {
    const specialUse = place.mailboxSpec(storage)?.specialUse ?? NO_USE
    const name = place.toVirtual(storage)
    entries.set(name, new PlacedEntry({ name, namespace: spec, specialUse, ...facts }, place, storage))
  }
  for (const { name, selectable, noInferiors, existing = true } of listed)
    add(name, { selectable, noInferiors, existing })
  for (const storage of automatic(place)) {
    if (entries.get(place.toVirtual(storage))?.selectable !== true) {
      add(storage, { selectable: true, noInferiors: false, existing: true })
    }
  }
  return [...entries.values()]
}

/** Mailboxes that are there for whoever selects them: INBOX, and those of `auto`. */
function automatic({ spec, owner }: Place): readonly string[] {
  const boxes =
    owner === undefined ? spec.mailboxes.filter(({ auto, name }) => auto !== 'no' && !/[*?]/.test(name)) : []
  const names = boxes.map(({ name }) => name.replaceAll(spec.separator, '/'))
  return spec.inbox ? [...names, 'INBOX'] : names
}

/** Directories above mailboxes that nothing else speaks for. */
function addParents(spec: NamespaceSpec, entries: Map<string, MailboxEntry>): void {
  for (const name of entries.keys()) {
    for (let at = name.indexOf(spec.separator); at > 0; at = name.indexOf(spec.separator, at + 1)) {
      const parent = name.slice(0, at)
      if (parent !== 'INBOX' && !entries.has(parent)) entries.set(parent, directory(spec, parent))
    }
  }
}

function directory(namespace: NamespaceSpec, name: string): MailboxEntry {
  return { name, namespace, selectable: false, noInferiors: false, specialUse: [], existing: false }
}
