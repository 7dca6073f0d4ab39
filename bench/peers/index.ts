import { direct } from './direct.ts'
import { dovecotDefault, dovecotHp } from './dovecot.ts'
import { haproxy } from './haproxy.ts'
import { nginx, nginx64k } from './nginx.ts'
import type { Peer, PeerName } from './peer.ts'
import { perdition } from './perdition.ts'
import { postern, posternDefault } from './postern.ts'

/** All peers, in the order of the tables. */
export const PEER_NAMES = [
  'postern',
  'postern_default',
  'dovecot_hp',
  'dovecot_default',
  'nginx',
  'nginx_64k',
  'perdition',
  'haproxy',
  'direct',
] as const satisfies readonly PeerName[]

/** The peers of a quick run, whose JSON always names all of them. */
export const QUICK_PEERS = [
  'postern',
  'dovecot_default',
  'dovecot_hp',
  'nginx',
  'haproxy',
] as const satisfies readonly PeerName[]

/** The peers so named; Postern from the checkout `root`. */
export function peersCalled(names: readonly PeerName[], root: string): Peer[] {
  const all = [
    postern(root),
    posternDefault(root),
    dovecotHp,
    dovecotDefault,
    nginx,
    nginx64k,
    perdition,
    haproxy,
    direct,
  ]
  return all.filter((peer) => names.includes(peer.name))
}
