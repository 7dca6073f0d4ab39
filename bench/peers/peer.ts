import { existsSync } from 'node:fs'
import type { Certificate } from '../certificates.ts'
import type { BackendPorts } from '../load/backend.ts'
import type { LoadProtocol } from '../load/loadgen.ts'

/** A proxy under test: how it is found, configured and started. */

export type PeerName =
  | 'direct'
  | 'postern'
  | 'postern_default'
  | 'dovecot_default'
  | 'dovecot_hp'
  | 'nginx'
  | 'nginx_64k'
  | 'perdition'
  | 'haproxy'

/** Where one instance of a peer lives. */
export interface Site {
  /** Its own directory, readable for the users it may change to. */
  readonly directory: string
  readonly protocol: LoadProtocol
  readonly ports: { readonly plain: number; readonly tls: number }
  readonly backend: BackendPorts
  readonly certificate: Certificate
  /** Processes or threads, where a peer is told how many. */
  readonly workers: number
}

export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly cwd?: string
}

export interface Peer {
  readonly name: PeerName
  readonly title: string
  readonly protocols: readonly LoadProtocol[]
  /** It runs a process for every session: fewer idle sessions say as much, and no machine holds many more. */
  readonly processPerSession: boolean
  /** No TLS port. */
  readonly plainOnly?: boolean
  /** The program's path; `undefined` when it is not installed. */
  find(): string | undefined
  /** The command that prints its version. */
  readonly versionArgs: readonly string[]
  /** Writes its configuration and says what to run, in the foreground. None: there is nothing to start. */
  prepare(program: string, site: Site): readonly Command[]
}

/** The first of these files that exists. */
export function firstExisting(...files: readonly string[]): string | undefined {
  return files.find((file) => existsSync(file))
}
