import type { Complaint, SourcePosition } from './complaint.ts'
import type {
  Config,
  ConfigInput,
  Filter,
  LoadedConfig,
  NamespaceSettings,
  PassdbSettings,
  ServiceSettings,
  Settings,
  UserdbSettings,
} from './config.ts'
import type { Block } from './evaluate/block.ts'
import { rootPlace, resolvePath } from './evaluate/resolve-path.ts'
import { type FilterQuery, isNarrow, matchesFilter, queryOf } from './filter.ts'
import { ignoredSettings } from './ignored.ts'
import { findLatentConflicts } from './latent-conflicts.ts'
import { matchingBlocks, type Merged, mergeBlocks } from './merge.ts'
import { type ReadConfig, readConfig } from './read.ts'
import { dictionaryOf, namespacesOf, passdbsOf, servicesOf, settingsOf, userdbsOf } from './typed.ts'

/** Reads a configuration for a server to run with, and says everything that is wrong with it. */
export function loadConfig(input: ConfigInput): LoadedConfig {
  const read = readConfig(input, true)
  const errors = [...read.complaints, ...read.findings]
  if (errors.some(({ severity }) => severity === 'error')) return { config: undefined, complaints: errors }
  const complaints: readonly Complaint[] = [
    ...errors,
    ...findLatentConflicts(read.blocks),
    ...ignoredSettings(read.blocks),
  ]
  return { config: new BlockConfig(read, input.hostname ?? ''), complaints }
}

/**
 * A configuration as if its errors were not there: wrong values are the defaults. Not to serve with: `doctor` goes on looking
 * with it. Undefined when the file cannot be read at all.
 */
export function assumeConfig(input: ConfigInput): Config | undefined {
  const read = readConfig(input, true)
  return read.blocks.length > 1 || read.blocks.some(({ values, lists }) => values.size + lists.size > 0)
    ? new BlockConfig(read, input.hostname ?? '')
    : undefined
}

/** Everything about one set of matching blocks, made when first asked for. */
class View {
  readonly #merged: Merged
  /** What an empty `hostname` stands for. */
  readonly #hostname: string
  #settings: Settings | undefined
  #plugin: ReadonlyMap<string, string> | undefined
  #namespaces: readonly NamespaceSettings[] | undefined

  constructor(blocks: readonly Block[], hostname: string) {
    this.#merged = mergeBlocks(blocks)
    this.#hostname = hostname
  }

  get merged(): Merged {
    return this.#merged
  }

  get settings(): Settings {
    if (this.#settings !== undefined) return this.#settings
    const settings = settingsOf(this.#merged)
    this.#settings = Object.freeze({ ...settings, hostname: settings.hostname || this.#hostname })
    return this.#settings
  }

  get plugin(): ReadonlyMap<string, string> {
    return (this.#plugin ??= dictionaryOf(this.#merged, 'plugin'))
  }

  get namespaces(): readonly NamespaceSettings[] {
    return (this.#namespaces ??= namespacesOf(this.#merged))
  }
}

class BlockConfig implements Config {
  readonly path: string
  readonly hasLocalNames: boolean
  readonly protocolNames: readonly string[]
  readonly services: ReadonlyMap<string, ServiceSettings>
  readonly dict: ReadonlyMap<string, string>
  readonly #blocks: readonly Block[]
  readonly #hostname: string
  /** Without blocks for addresses or host names, the protocol alone decides. */
  readonly #byProtocolOnly: boolean
  readonly #byProtocol = new Map<string | undefined, View>()
  /** Views by the blocks that match, as a string of their numbers. */
  readonly #views = new Map<string, View>()
  readonly #passdbs = new Map<string | undefined, readonly PassdbSettings[]>()
  readonly #userdbs = new Map<string | undefined, readonly UserdbSettings[]>()

  constructor(read: ReadConfig, hostname: string) {
    this.path = read.path
    this.#hostname = hostname
    this.#blocks = read.blocks
    this.#byProtocolOnly = read.blocks.every(
      ({ filter }) => !isNarrow(filter.local) && filter.localName === undefined && !isNarrow(filter.remote),
    )
    this.hasLocalNames = read.blocks.some(({ filter }) => filter.localName !== undefined)
    this.protocolNames = protocolNamesOf(read.blocks)
    const server = this.#view(SERVER)
    this.services = new Map(servicesOf(server.merged).map((service) => [service.name, service]))
    this.dict = dictionaryOf(server.merged, 'dict')
  }

  settings(filter: Filter): Settings {
    return this.#view(filter).settings
  }

  plugin(filter: Filter): ReadonlyMap<string, string> {
    return this.#view(filter).plugin
  }

  namespaces(filter: Filter): readonly NamespaceSettings[] {
    return this.#view(filter).namespaces
  }

  passdbs(protocol?: string): readonly PassdbSettings[] {
    return remember(this.#passdbs, protocol, () => passdbsOf(this.#view(ofProtocol(protocol)).merged))
  }

  userdbs(protocol?: string): readonly UserdbSettings[] {
    return remember(this.#userdbs, protocol, () => userdbsOf(this.#view(ofProtocol(protocol)).merged))
  }

  origin(name: string, filter: Filter): SourcePosition | undefined {
    const [global] = this.#blocks
    const target = global && resolvePath(global, rootPlace, name)
    return this.#view(filter).merged.values.get(target?.path ?? name)?.at
  }

  #view(filter: Filter): View {
    if (!this.#byProtocolOnly) return this.#viewFor(queryOf(filter))
    const { protocol } = filter
    return remember(this.#byProtocol, protocol, () => this.#viewFor(queryOf(ofProtocol(protocol))))
  }

  #viewFor(query: FilterQuery): View {
    let key = ''
    for (const [index, block] of this.#blocks.entries()) if (matchesFilter(block.filter, query)) key += `${index} `
    return remember(this.#views, key, () => new View(matchingBlocks(this.#blocks, query), this.#hostname))
  }
}

function ofProtocol(protocol: string | undefined): Filter {
  return protocol === undefined ? {} : { protocol }
}

function protocolNamesOf(blocks: readonly Block[]): readonly string[] {
  const names = blocks.flatMap(({ filter: { protocol } }) =>
    protocol === undefined ? [] : [protocol.replace(/^!/, '')],
  )
  return [...new Set(names)]
}

/** Settings of the server itself: Dovecot's master asks for them under this name. */
const SERVER: Filter = { protocol: 'master' }

function remember<K, V>(known: Map<K, V>, key: K, make: () => V): V {
  const found = known.get(key)
  if (found !== undefined) return found
  const made = make()
  known.set(key, made)
  return made
}
