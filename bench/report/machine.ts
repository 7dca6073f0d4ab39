import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os'
import type { Peer } from '../peers/peer.ts'
import { versionOf } from '../peers/start.ts'

/** What the numbers were measured on, without a word of whose machine it is. */
export function describeMachine(peers: readonly Peer[]): string {
  const memory = `${Math.round(totalmem() / 2 ** 30)} GB of memory`
  const cores = `${availableParallelism()} cores`
  const machine = `${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${cores}, ${memory}, ${type()} ${release().replace(/-.*/, '')} ${arch()}`
  const versions = peers
    .filter((peer) => !['dovecot_default', 'nginx_64k'].includes(peer.name))
    .map((peer) => [peer.title.replace(/ \(.*/, ''), versionOf(peer)] as const)
    .filter(([, version]) => version !== undefined)
    .map(([title, version]) => `${title} ${version}`)
  return `${machine}; Node ${process.versions.node}, ${versions.join(', ')}`
}
