import { BlockList, isIP } from 'node:net'

/** What checking an address against `allow_nets` gave, with the lines Dovecot logs. */
export interface NetworkCheck {
  readonly allowed: boolean
  /** `Invalid network 'x'`: entries that mean nothing. */
  readonly invalid: readonly string[]
}

interface ParsedNetworks {
  readonly local: boolean
  readonly networks: BlockList
  readonly invalid: readonly string[]
}

/** Lists are few and repeat; a database that makes one up for each user does not fill the memory. */
const CACHED_LISTS = 1000
const parsed = new Map<string, ParsedNetworks>()

/** Checks an address against a list of IPs, networks and the word `local` (no address known: an empty string). */
export function checkNetworks(list: string, ip: string): NetworkCheck {
  let networks = parsed.get(list)
  if (networks === undefined) {
    networks = parseNetworks(list)
    if (parsed.size >= CACHED_LISTS) parsed.clear()
    parsed.set(list, networks)
  }
  const family = isIP(ip)
  const allowed = family === 0 ? networks.local : networks.networks.check(ip, family === 6 ? 'ipv6' : 'ipv4')
  return { allowed, invalid: networks.invalid }
}

function parseNetworks(list: string): ParsedNetworks {
  const networks = new BlockList()
  const invalid: string[] = []
  let local = false
  for (const word of list.split(/[, ]+/)) {
    if (word === 'local') local = true
    else if (word !== '' && !addNetwork(networks, word)) invalid.push(word)
  }
  return { local, networks, invalid }
}

function addNetwork(networks: BlockList, word: string): boolean {
  const [, ip = '', bits] = /^\[?([^/\]]+)\]?(?:\/(\d{1,3}))?$/.exec(word) ?? []
  const family = isIP(ip)
  const all = family === 6 ? 128 : 32
  const prefix = bits === undefined ? all : Number(bits)
  if (family === 0 || prefix > all) return false
  networks.addSubnet(ip, prefix, family === 6 ? 'ipv6' : 'ipv4')
  return true
}
