// `protocol`, `local`, `local_name` and `remote` blocks: which connections they are for, and which of two is the more special.
import ipaddr from 'ipaddr.js'
import type { Filter } from './config.ts'
import type { ConfigFiles } from './files.ts'

type Address = ipaddr.IPv4 | ipaddr.IPv6

/** An IP network. */
export interface Net {
  readonly address: Address
  readonly bits: number
}

/** The conditions of a filter block. All must hold; with none it is the global block. */
export interface FilterSpec {
  /** A protocol, or `!protocol` for every other one. */
  readonly protocol?: string
  readonly local?: Net
  /** One or more host names, separated by blanks, each with an optional `*` for one label. */
  readonly localName?: string
  readonly remote?: Net
}

/** A connection as filters see it, with its addresses read. */
export interface FilterQuery {
  readonly protocol: string | undefined
  readonly localName: string | undefined
  readonly localIp: Address | undefined
  readonly remoteIp: Address | undefined
}

export const FILTER_TYPES: readonly string[] = ['protocol', 'local', 'local_name', 'remote']

/** The connection that a `Filter` describes; addresses that are none match no network. */
export function queryOf(filter: Filter): FilterQuery {
  return {
    protocol: filter.protocol,
    localName: filter.localName,
    localIp: parseAddress(filter.localIp),
    remoteIp: parseAddress(filter.remoteIp),
  }
}

/** The connections that a block is surely for, to check what holds for them. */
export function queryOfSpec(spec: FilterSpec): FilterQuery {
  return {
    protocol: spec.protocol,
    localName: spec.localName,
    localIp: spec.local?.address,
    remoteIp: spec.remote?.address,
  }
}

/** Whether a block applies to a connection. */
export function matchesFilter(spec: FilterSpec, query: FilterQuery): boolean {
  return (
    matchesProtocol(spec.protocol, query.protocol) &&
    matchesNet(spec.local, query.localIp) &&
    matchesLocalName(spec.localName, query.localName) &&
    matchesNet(spec.remote, query.remoteIp)
  )
}

/** The same, taking conditions for met that the query says nothing about. */
export function matchesWhereKnown(spec: FilterSpec, query: FilterQuery): boolean {
  return (
    (query.protocol === undefined || matchesProtocol(spec.protocol, query.protocol)) &&
    (query.localIp === undefined || matchesNet(spec.local, query.localIp)) &&
    (query.localName === undefined || matchesLocalName(spec.localName, query.localName)) &&
    (query.remoteIp === undefined || matchesNet(spec.remote, query.remoteIp))
  )
}

/** Negative when `left` is the more special one. Blocks that are equal in this order keep the order of the file. */
export function compareSpecificity(left: FilterSpec, right: FilterSpec): number {
  return (
    presence(right.localName) - presence(left.localName) ||
    (right.local?.bits ?? 0) - (left.local?.bits ?? 0) ||
    (right.remote?.bits ?? 0) - (left.remote?.bits ?? 0) ||
    presence(right.protocol) - presence(left.protocol)
  )
}

/** Whether `general` is at least as wide as `special` in every respect, for two blocks that match one connection. */
export function isSuperset(general: FilterSpec, special: FilterSpec): boolean {
  return (
    (general.local?.bits ?? 0) <= (special.local?.bits ?? 0) &&
    (general.remote?.bits ?? 0) <= (special.remote?.bits ?? 0) &&
    presence(general.localName) <= presence(special.localName) &&
    presence(general.protocol) <= presence(special.protocol)
  )
}

/** Whether a network is a condition at all: one of no bits is everything. */
export function isNarrow(net: Net | undefined): net is Net {
  return net !== undefined && net.bits > 0
}

export function sameFilter(left: FilterSpec, right: FilterSpec): boolean {
  return (
    left.protocol === right.protocol &&
    sameNet(left.local, right.local) &&
    sameNet(left.remote, right.remote) &&
    left.localName?.toLowerCase() === right.localName?.toLowerCase()
  )
}

/** Whether one connection could match both blocks. Host names are taken to differ unless they are the same. */
export function mayCoincide(left: FilterSpec, right: FilterSpec): boolean {
  return (
    protocolsCoincide(left.protocol, right.protocol) &&
    netsCoincide(left.local, right.local) &&
    netsCoincide(left.remote, right.remote) &&
    (left.localName === undefined || right.localName === undefined || left.localName === right.localName)
  )
}

/** The filter of a nested block, or Dovecot's words on why it cannot stand there. */
export function nestFilter(
  parent: FilterSpec,
  type: string,
  name: string,
  files: ConfigFiles,
): FilterSpec | { readonly error: string } {
  const misplaced = nestingError(parent, type)
  if (misplaced !== undefined) return { error: misplaced }
  if (type === 'protocol') return { ...parent, protocol: name }
  if (type === 'local_name') return { ...parent, localName: name }
  const net = parseNet(name, files)
  if ('error' in net) return net
  const side = type === 'local' ? 'local' : 'remote'
  const outer = parent[side]
  if (isNarrow(outer) && (outer.bits > net.bits || !containsAddress(outer, net.address))) {
    return { error: `${side} net1 { ${side} net2 { .. } } requires net2 to be inside net1` }
  }
  return { ...parent, [side]: net }
}

/** `ADDRESS[/BITS]` or `HOST[/BITS]`; a host stands for its first address. */
export function parseNet(text: string, files: ConfigFiles): Net | { readonly error: string } {
  const slash = text.indexOf('/')
  const host = slash < 0 ? text : text.slice(0, slash)
  const address = parseAddress(host) ?? parseAddress(files.resolveHost?.(host)[0])
  if (address === undefined) return { error: `gethostbyname(${host}) failed: Name or service not known` }
  const widest = address.kind() === 'ipv4' ? 32 : 128
  if (slash < 0) return { address, bits: widest }
  const bits = text.slice(slash + 1)
  if (!/^[0-9]+$/.test(bits) || Number(bits) > widest) return { error: `Invalid network mask: ${bits}` }
  return { address, bits: Number(bits) }
}

/** How `doveconf` writes a network. */
export function printNet(net: Net): string {
  const address = net.address.kind() === 'ipv4' ? net.address.toString() : printIpv6(net.address)
  return net.bits === (net.address.kind() === 'ipv4' ? 32 : 128) ? address : `${address}/${net.bits}`
}

/** A literal IP address without a zone; IPv4 as inet_aton reads it, so that `10.1` is 10.0.0.1. */
export function parseAddress(text: string | undefined): Address | undefined {
  if (text === undefined) return undefined
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text
  if (ipaddr.IPv4.isValid(bare)) return ipaddr.IPv4.parse(bare)
  return bare.includes(':') && ipaddr.IPv6.isValid(bare) ? ipaddr.IPv6.parse(bare) : undefined
}

function nestingError(parent: FilterSpec, type: string): string | undefined {
  if (type === 'protocol') {
    return parent.protocol === undefined ? undefined : 'Nested protocol { protocol { .. } } block not allowed'
  }
  const outer = [
    isNarrow(parent.remote) && type !== 'remote' && 'remote',
    parent.protocol !== undefined && 'protocol',
    parent.localName !== undefined && type === 'local' && 'local_name',
  ].find((word) => word !== false)
  return outer && `${outer} { ${type} { .. } } not allowed (use ${type} { ${outer} { .. } } instead)`
}

function matchesProtocol(mask: string | undefined, protocol: string | undefined): boolean {
  if (mask === undefined) return true
  if (protocol === undefined) return false
  return mask.startsWith('!') ? mask.slice(1) !== protocol : mask === protocol
}

function matchesNet(net: Net | undefined, address: Address | undefined): boolean {
  return !isNarrow(net) || (address !== undefined && containsAddress(net, address))
}

function matchesLocalName(mask: string | undefined, name: string | undefined): boolean {
  if (mask === undefined) return true
  if (name === undefined) return false
  return mask.split(' ').some((pattern) => pattern !== '' && matchesHostName(pattern.toLowerCase(), name.toLowerCase()))
}

/** `*.example.org` stands for one label before `example.org`. */
function matchesHostName(pattern: string, name: string): boolean {
  if (pattern === name) return true
  if (!pattern.startsWith('*.')) return false
  const dot = name.indexOf('.')
  return dot > 0 && name.slice(dot) === pattern.slice(1)
}

function containsAddress(net: Net, address: Address): boolean {
  const inner = net.address.kind() === 'ipv4' && address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress()
  const comparable = inner ? address.toIPv4Address() : address
  return comparable.kind() === net.address.kind() && comparable.match(net.address, net.bits)
}

function protocolsCoincide(left: string | undefined, right: string | undefined): boolean {
  if (left === undefined || right === undefined) return true
  if (left.startsWith('!')) return right.startsWith('!') || left.slice(1) !== right
  return right.startsWith('!') ? right.slice(1) !== left : left === right
}

function netsCoincide(left: Net | undefined, right: Net | undefined): boolean {
  if (!isNarrow(left) || !isNarrow(right)) return true
  return left.bits <= right.bits ? containsAddress(left, right.address) : containsAddress(right, left.address)
}

function sameNet(left: Net | undefined, right: Net | undefined): boolean {
  return left?.bits === right?.bits && left?.address.toString() === right?.address.toString()
}

/** IPv4-mapped addresses keep their dotted part, as inet_ntop writes them. */
function printIpv6(address: Address): string {
  if (address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress())
    return `::ffff:${address.toIPv4Address().toString()}`
  return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString()
}

function presence(value: string | undefined): number {
  return value === undefined ? 0 : 1
}
