import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { type ConfigText } from '../peers/config-text.ts'
import { loginListeners, startDovecot, type LoginProtocol } from '../peers/dovecot.ts'
import { startDovecotBackend } from '../peers/dovecot-backend.ts'
import { dovecotFor, skipWithout } from '../peers/peers.ts'
import { startMailRelay } from '../peers/mail-relay.ts'
import { startPostern } from '../peers/postern.ts'
import { startScriptedBackend } from '../peers/scripted-backend.ts'
import type { Started } from '../peers/started.ts'
import { makeAuthority, makeCertificate, type Certificate } from '../support/certificates.ts'
import { expand, type Values } from './placeholders.ts'
import type { Certificates, Stage } from './play.ts'
import type { Side, Transcript } from './parse.ts'

/** Addresses tell who is who in logs and dialogues. All are this machine. */
const PROXY_HOST = '127.0.77.2'
const BACKEND_HOST = '127.0.77.3'

/** Transcripts that speak the same protocol and need the same settings, and so can share one proxy, side by side. */
export interface Company {
  readonly protocol: LoginProtocol
  readonly config: readonly string[]
  readonly transcripts: readonly Transcript[]
}

/** Sorts transcripts by protocol and settings. */
export function companies(transcripts: readonly Transcript[]): Company[] {
  const bySettings = Map.groupBy(transcripts, ({ protocol, config }) => [protocol, ...config].join('\n'))
  return [...bySettings.values()].flatMap((members) => {
    const [first] = members
    return first === undefined ? [] : [{ protocol: first.protocol, config: first.config, transcripts: members }]
  })
}

/** A running proxy on which transcripts can be played. */
export interface Theatre {
  readonly side: Side
  /** Sets the stage: a client address and users of its own, a backend of its own unless it is a real one. */
  readonly stage: (transcript: Transcript) => Promise<{ readonly stage: Stage; readonly close: () => Promise<void> }>
  readonly close: () => Promise<void>
}

/** Starts the proxy of this side with the company's settings. `backend` is a real backend that several theatres share. */
export async function openTheatre(
  side: Side,
  company: Company,
  certificates: Certificates,
  backend: Started | undefined,
): Promise<Theatre> {
  const sameHost = company.transcripts.filter((transcript) => transcript.client === 'same-host')
  const addresses = new Map(
    company.transcripts.map((transcript, index) => [transcript, clientAddress(transcript, index)]),
  )
  const hosts = [PROXY_HOST, ...sameHost.map((transcript) => addresses.get(transcript) ?? '')]
  const { protocol } = company
  const config = proxyConfig(protocol, hosts, company.config, certificates)
  const proxy = side === 'dovecot' ? await startDovecot(config) : await startPostern(config)
  return {
    side,
    async stage(transcript) {
      const address = addresses.get(transcript) ?? ''
      const proxyHost = transcript.client === 'same-host' ? address : PROXY_HOST
      const scripted =
        transcript.backend === 'dovecot'
          ? undefined
          : await startScriptedBackend(undefined, transcript.backend === 'scripted-ipv6' ? '::1' : BACKEND_HOST)
      const backendHost = scripted?.host ?? '127.0.0.1'
      const backendPort = scripted?.port ?? backend?.ports[protocol] ?? 0
      const values: Values = new Map([
        ['client-ip', address],
        ['proxy-ip', proxyHost],
        ['proxy-port', String(proxy.ports[protocol])],
        ['backend-ip', backendHost],
        ['backend-port', String(backendPort)],
        ['backend', `host=${backendHost} port=${backendPort}`],
      ])
      writeUsers(proxy.dir, address, transcript, values)
      return {
        stage: {
          side,
          protocol,
          proxyHost,
          port: proxy.ports[protocol] ?? 0,
          tlsPort: proxy.ports[`${protocol}s`] ?? 0,
          clientAddress: address,
          backend: scripted,
          certificates,
          log: { lines: proxy.logLines, waitFor: (matches, from, ms) => proxy.waitForLog(matches, from, ms) },
          values,
        },
        close: async () => await scripted?.close(),
      }
    },
    close: () => proxy.stop(),
  }
}

/** For node:test's `skip`: why this transcript cannot be played here, or false. */
export function skipTranscript({ backend, protocol }: Transcript): false | string {
  if (backend === 'dovecot') return skipWithout(dovecotFor(protocol))
  const loopbacks = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  const lacks = backend === 'scripted-ipv6' && !loopbacks.some(({ address }) => address === '::1')
  return lacks ? 'this machine has no IPv6 loopback address' : false
}

/** The real backend, when one of the transcripts wants it. */
export async function openBackend(transcripts: readonly Transcript[]): Promise<Started | undefined> {
  const wanted = transcripts.filter(({ backend }) => backend === 'dovecot')
  if (wanted.length === 0) return undefined
  // A submission server lets nobody in while the server behind it is away.
  const relay = wanted.some(({ protocol }) => protocol === 'submission') ? await startMailRelay() : undefined
  const settings = relay && `submission_relay_host = 127.0.0.1\nsubmission_relay_port = ${relay.port}`
  const backend = await startDovecotBackend(settings)
  return {
    ...backend,
    async stop() {
      await backend.stop()
      await relay?.close()
    },
  }
}

/** Certificates for the proxy, its backends, and backends that are not what they say. */
export async function makeCertificates(): Promise<Certificates> {
  const authority = await makeAuthority()
  const byName = new Map<string, Certificate>([
    ['proxy', await makeCertificate(authority, { commonName: 'proxy.test', names: ['proxy.test'] })],
    ['sni', await makeCertificate(authority, { commonName: 'sni.test', names: ['sni.test'] })],
    [
      'backend',
      await makeCertificate(authority, { commonName: 'backend.test', names: ['backend.test', BACKEND_HOST] }),
    ],
    ['stranger', await makeCertificate(authority, { commonName: 'stranger.test', names: ['stranger.test'] })],
    ['expired', await makeCertificate(authority, { names: [BACKEND_HOST], expired: true })],
    ['self-signed', await makeCertificate(undefined, { names: [BACKEND_HOST] })],
    ['client', await makeCertificate(authority, { commonName: 'client.test', names: ['client.test'] })],
  ])
  return { authority, byName }
}

function clientAddress(transcript: Transcript, index: number): string {
  const network = { trusted: 1, stranger: 2, 'same-host': 9 }[transcript.client]
  return `127.${network}.${Math.floor(index / 200)}.${(index % 200) + 10}`
}

function writeUsers(dir: string, address: string, transcript: Transcript, values: Values): void {
  const rows = transcript.users.map(
    ({ name, password, fields }) => `${name}:${password}:::::: ${expand(fields, values)}\n`,
  )
  const file = join(dir, 'users', address)
  writeFileSync(file, rows.join(''))
  chmodSync(file, 0o644)
}

/** One configuration text for both servers. Every client address has its own user table. */
function proxyConfig(
  protocol: LoginProtocol,
  hosts: readonly string[],
  settings: readonly string[],
  certificates: Certificates,
): ConfigText {
  return ({ dir, port }) => {
    mkdirSync(join(dir, 'users'))
    // Whoever is not proxied has mail here, of a user of the machine that may not write anywhere else.
    mkdirSync(join(dir, 'mail'))
    chmodSync(join(dir, 'mail'), 0o1777)
    const pem = (name: string, text: string): string => {
      const file = join(dir, name)
      writeFileSync(file, text)
      return file
    }
    const files: Values = new Map([['authority', pem('authority.pem', certificates.authority.cert)]])
    for (const [name, { key, cert }] of certificates.byName)
      files.set(`${name}-cert`, pem(`${name}.crt`, cert)).set(`${name}-key`, pem(`${name}.key`, key))
    return `protocols = ${protocol}
listen = ${hosts.join(', ')}
login_greeting = ready.
${protocol === 'imap' ? '' : 'hostname = proxy.test\n'}login_trusted_networks = 127.1.0.0/16
auth_mechanisms = plain login
auth_verbose = yes
disable_plaintext_auth = no
ssl = yes
ssl_cert = <${files.get('proxy-cert')}
ssl_key = <${files.get('proxy-key')}
ssl_ca = <${files.get('authority')}
ssl_require_crl = no
first_valid_uid = 1
mail_location = maildir:${dir}/mail/%u
passdb {
  driver = passwd-file
  args = ${dir}/users/%{real_rip}
}
userdb {
  driver = static
  args = uid=mail gid=mail home=${dir}/mail/%u
}
${loginListeners(protocol, port, true)}
${settings.map((line) => expand(line, files)).join('\n')}
`
  }
}
