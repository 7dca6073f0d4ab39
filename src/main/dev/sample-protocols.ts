import { existsSync } from 'node:fs'

/** A protocol of the sample proxy and of the backends behind it. */
export interface SampleProtocol {
  /** As in `protocols`, and in `%s`. */
  readonly name: 'imap' | 'pop3' | 'submission' | 'lmtp' | 'sieve'
  readonly service: string
  /** Where the sample proxy listens. */
  readonly port: number
  /** Where it does so with TLS from the first byte. */
  readonly tlsPort?: number
  /** Where the backends are not Postern: the program of Dovecot that serves it, and the Debian package that has that. */
  readonly program?: string
  readonly debian?: string
}

export const SAMPLE_PROTOCOLS: readonly SampleProtocol[] = [
  {
    name: 'imap',
    service: 'imap-login',
    port: 1143,
    tlsPort: 1993,
  },
  {
    name: 'pop3',
    service: 'pop3-login',
    port: 1110,
    tlsPort: 1995,
  },
  {
    name: 'submission',
    service: 'submission-login',
    port: 1587,
    program: '/usr/lib/dovecot/submission',
    debian: 'dovecot-submissiond',
  },
  { name: 'lmtp', service: 'lmtp', port: 2424 },
  {
    name: 'sieve',
    service: 'managesieve-login',
    port: 4190,
    program: '/usr/lib/dovecot/managesieve',
    debian: 'dovecot-managesieved',
  },
]

/** The backends serve it: Postern itself, or a Dovecot of this machine. */
export function isInstalled({ program }: SampleProtocol): boolean {
  return program === undefined || (existsSync('/usr/sbin/dovecot') && existsSync(program))
}
