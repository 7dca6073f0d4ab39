import { lookup } from 'node:dns/promises'
import { networkInterfaces } from 'node:os'
import type { ExtraFields } from '../../../auth/auth.ts'
import type { Config } from '../../../config/config.ts'
import { decideListeners } from '../../../config/listeners.ts'
import { parseProxyFields } from '../../../proxy/fields.ts'
import type { OwnerServer } from '../../../storage/formats/imapc.ts'
import { normalizeIp } from '../../../util/ip.ts'

/** Knows which servers are this one. */
export interface OwnServer {
  /** An address of this machine, with a port on which IMAP is spoken here. Rejects when the name cannot be resolved. */
  isSelf(host: string, port: number | undefined): Promise<boolean>
}

/** This server, by its listeners, the machine's addresses and `auth_proxy_self`. */
export function ownServer(config: () => Config): OwnServer {
  return {
    async isSelf(host, port) {
      const current = config()
      if (port !== undefined && !imapPorts(current).has(port)) return false
      const [wanted, named] = await Promise.all([
        addressesOf(host),
        Promise.all(current.settings({ protocol: 'imap' }).auth_proxy_self.map(addressesUnlessUnknown)),
      ])
      const own = new Set([...machineAddresses(), ...named.flat()])
      return wanted.some((ip) => own.has(ip) || ip.startsWith('127.'))
    },
  }
}

/**
 * The server to which the databases send a user: `host` with `proxy` or `proxy_maybe` of a passdb, or `host` of a userdb.
 * `undefined`: his mail is here, or nobody says where it is.
 */
export async function ownerServer(
  fields: ExtraFields,
  from: 'passdb' | 'userdb',
  own: OwnServer,
): Promise<OwnerServer | undefined> {
  const { fields: proxy } = parseProxyFields(fields)
  if (from === 'passdb' && !proxy.proxy && !proxy.proxyMaybe) return undefined
  if (proxy.host === undefined || (await own.isSelf(proxy.hostip ?? proxy.host, proxy.port))) return undefined
  const tls = { none: undefined, implicit: 'imaps', starttls: 'starttls' } as const
  const mode = tls[proxy.tls]
  return {
    host: proxy.host,
    ...(proxy.hostip === undefined ? {} : { hostip: proxy.hostip }),
    ...(proxy.port === undefined ? {} : { port: proxy.port }),
    ...(mode === undefined ? {} : { tls: mode, anyCert: proxy.anyCert }),
    ...(proxy.destuser === undefined ? {} : { destuser: proxy.destuser }),
  }
}

/** By configuration: a LIST asks for each owner. */
const knownPorts = new WeakMap<Config, ReadonlySet<number>>()

function imapPorts(config: Config): ReadonlySet<number> {
  const known = knownPorts.get(config)
  if (known !== undefined) return known
  const listeners = decideListeners(config).filter(({ protocol }) => protocol === 'imap')
  const ports = new Set(listeners.map(({ port }) => port))
  knownPorts.set(config, ports)
  return ports
}

function machineAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address))
}

async function addressesOf(host: string): Promise<readonly string[]> {
  const literal = normalizeIp(host)
  if (literal !== undefined) return [literal]
  return (await lookup(host, { all: true })).map(({ address }) => normalizeIp(address) ?? address)
}

async function addressesUnlessUnknown(host: string): Promise<readonly string[]> {
  try {
    return await addressesOf(host)
  } catch {
    return []
  }
}
