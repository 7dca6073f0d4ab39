import { Buffer } from 'node:buffer'
import { isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'

const MAPPED = '::ffff:'

/**
 * An address the way we write it: IPv4-mapped IPv6 as IPv4, IPv6 compressed (RFC 5952) and without a zone. `undefined`
 * when the text is no address.
 */
export function normalizeIp(text: string): string | undefined {
  if (isIPv4(text)) return text
  if (!isIPv6(text)) return undefined
  const address = ipaddr.IPv6.parse(withoutZone(text))
  return address.isIPv4MappedAddress() ? address.toIPv4Address().toString() : address.toRFC5952String()
}

/** 4 or 16 bytes in network order; mapped addresses give 4. `undefined` when the text is no address. */
export function ipBytes(text: string): Buffer | undefined {
  const v4 = parse4(text)
  if (v4 !== undefined) {
    const bytes = Buffer.allocUnsafe(4)
    bytes.writeInt32BE(v4)
    return bytes
  }
  const normal = normalizeIp(text)
  return normal === undefined ? undefined : Buffer.from(ipaddr.parse(normal).toByteArray())
}

/** The address that 4 or 16 bytes in network order stand for. */
export function ipFromBytes(bytes: Uint8Array): string {
  return normalizeIp(ipaddr.fromByteArray([...bytes]).toString()) ?? ''
}

/** Whether two texts name the same address; false when either is none. */
export function sameIp(left: string, right: string): boolean {
  if (left === right) return normalizeIp(left) !== undefined
  const normal = normalizeIp(left)
  return normal !== undefined && normal === normalizeIp(right)
}

/** 4 or 6 after normalising; `undefined` when the text is no address. */
export function ipFamily(text: string): 4 | 6 | undefined {
  const normal = normalizeIp(text)
  if (normal === undefined) return undefined
  return isIPv4(normal) ? 4 : 6
}

/**
 * Whether the text is an IPv4 address, as node:net's isIPv4 sees it: four decimal numbers up to 255 without leading zeros.
 * Written out because every login asks several times, and the regular expression there costs more than all the rest.
 */
export function isIPv4(text: string): boolean {
  if (text.length > 15) return false
  let parts = 1
  let digits = 0
  let part = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x2e) {
      if (digits === 0 || ++parts > 4) return false
      digits = 0
      part = 0
    } else {
      if (code < 0x30 || code > 0x39 || (digits > 0 && part === 0)) return false
      part = part * 10 + (code - 0x30)
      digits++
      if (part > 255) return false
    }
  }
  return parts === 4 && digits > 0
}

/** A list of networks, as `login_trusted_networks` has it. */
export interface Networks {
  readonly isEmpty: boolean
  /** Words of the list that are neither an address nor ADDRESS/BITS; they match nothing. */
  readonly invalid: readonly string[]
  /** Whether the address lies in one of them. Called for every connection. */
  has(ip: string): boolean
}

/** How many different lists are remembered; `allow_nets` brings one per user. */
const CACHED_LISTS = 1000
const cache = new Map<string, Networks>()

/** Reads a comma or space separated list of addresses and CIDR networks, v4 and v6. The same text is read once. */
export function parseNetworks(text: string): Networks {
  const known = cache.get(text)
  if (known !== undefined) return known
  if (cache.size >= CACHED_LISTS) cache.clear()
  const networks = readNetworks(text)
  cache.set(text, networks)
  return networks
}

function readNetworks(text: string): Networks {
  const v4: number[] = []
  const v6: Network6[] = []
  const invalid: string[] = []
  for (const word of text.split(/[\s,]+/)) {
    if (word === '') continue
    const network = parseNetwork(word)
    if (network === undefined) invalid.push(word)
    else if (network.bytes.length === 4) v4.push(wordOf(network.bytes, 0), mask(network.bits))
    else v6.push({ words: wordsOf(network.bytes), masks: [0, 32, 64, 96].map((from) => mask(network.bits - from)) })
  }
  return {
    isEmpty: v4.length === 0 && v6.length === 0,
    invalid,
    has: (ip) => (v4.length > 0 && matches4(v4, ip)) || (v6.length > 0 && matches6(v6, ip)),
  }
}

interface Network6 {
  readonly words: readonly number[]
  readonly masks: readonly number[]
}

function parseNetwork(word: string): { bytes: Buffer; bits: number } | undefined {
  const slash = word.indexOf('/')
  const address = slash < 0 ? word : word.slice(0, slash)
  const bytes = ipBytes(address)
  if (bytes === undefined) return undefined
  // ::ffff:10.0.0.0/104 counts its bits over the IPv6 form.
  const mappedBits = isIPv6(address) && bytes.length === 4 ? 96 : 0
  const most = bytes.length * 8
  if (slash < 0) return { bytes, bits: most }
  const digits = word.slice(slash + 1)
  if (!/^\d{1,3}$/.test(digits)) return undefined
  const bits = Number(digits) - mappedBits
  return bits < 0 || bits > most ? undefined : { bytes, bits }
}

function matches4(pairs: readonly number[], ip: string): boolean {
  const address = parse4(ip.startsWith(MAPPED) ? ip.slice(MAPPED.length) : ip)
  if (address === undefined) return false
  for (let i = 0; i < pairs.length; i += 2) {
    const bits = pairs[i + 1] as number
    if ((address & bits) === ((pairs[i] as number) & bits)) return true
  }
  return false
}

function matches6(networks: readonly Network6[], ip: string): boolean {
  if (!ip.includes(':')) return false
  const bytes = ipBytes(ip)
  if (bytes === undefined || bytes.length !== 16) return false
  const words = wordsOf(bytes)
  return networks.some((network) =>
    network.masks.every((bits, i) => ((words[i] as number) & bits) === ((network.words[i] as number) & bits)),
  )
}

/** Dotted decimal to 32 bits; written out because it runs for every connection. */
function parse4(ip: string): number | undefined {
  if (!isIPv4(ip)) return undefined
  let address = 0
  let part = 0
  for (let i = 0; i < ip.length; i++) {
    const code = ip.charCodeAt(i)
    if (code === 0x2e) {
      address = (address << 8) | part
      part = 0
    } else part = part * 10 + (code - 0x30)
  }
  return (address << 8) | part
}

/** The first `bits` of 32 set; JavaScript shifts by 32 do nothing, hence the ends. */
function mask(bits: number): number {
  if (bits <= 0) return 0
  return bits >= 32 ? -1 : -1 << (32 - bits)
}

function wordOf(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at)
}

function wordsOf(bytes: Buffer): number[] {
  return [0, 4, 8, 12].map((at) => wordOf(bytes, at))
}

function withoutZone(text: string): string {
  const percent = text.indexOf('%')
  return percent < 0 ? text : text.slice(0, percent)
}
