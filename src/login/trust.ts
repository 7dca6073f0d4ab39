import type { Settings } from '../config/config.ts'
import { type Networks, parseNetworks } from '../util/ip.ts'

const networks = new WeakMap<readonly string[], Networks>()

/** Whether the address lies in `login_trusted_networks`: what such a peer says about its client is believed. */
export function isTrusted(settings: Pick<Settings, 'login_trusted_networks'>, ip: string): boolean {
  const list = settings.login_trusted_networks
  if (list.length === 0) return false
  const known = networks.get(list)
  if (known !== undefined) return known.has(ip)
  const parsed = parseNetworks(list.join(' '))
  networks.set(list, parsed)
  return parsed.has(ip)
}
