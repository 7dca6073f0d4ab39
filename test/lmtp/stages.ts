import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ConfigText } from '../peers/config-text.ts'
import { startDovecot } from '../peers/dovecot.ts'
import { startScriptedBackend, type ScriptedBackend } from '../peers/scripted-backend.ts'
import type { Started } from '../peers/started.ts'
import type { Side, Transcript } from '../transcripts/parse.ts'
import { expand, type Values } from '../transcripts/placeholders.ts'
import type { Certificates, Stage } from '../transcripts/play.ts'
import { lmtpConfig, startPosternLmtp } from './peers.ts'

/**
 * Where transcripts of LMTP are played. Beside what `test/transcripts/README.md` says: users are written `name@<domain>`, and
 * the backend has two more addresses, `<backend2>` and `<backend3>`, for transcripts about several backends.
 */
const PROXY_HOST = '127.0.77.2'
const BACKEND_HOSTS = ['127.0.77.3', '127.0.77.4', '127.0.77.5']

/** Transcripts that need the same settings and so can share one proxy, side by side. */
export interface Company {
  readonly config: readonly string[]
  readonly transcripts: readonly Transcript[]
}

export function companies(transcripts: readonly Transcript[]): Company[] {
  const bySettings = Map.groupBy(transcripts, ({ config }) => config.join('\n'))
  return [...bySettings.values()].map((members) => ({ config: members[0]?.config ?? [], transcripts: members }))
}

export interface Theatre {
  readonly stage: (transcript: Transcript) => Stage
  readonly close: () => Promise<void>
}

interface Prepared {
  readonly address: string
  readonly backend: ScriptedBackend
  readonly values: Values
}

/** Starts a backend for each transcript, and one proxy that knows the users of them all. */
export async function openTheatre(side: Side, company: Company, certificates: Certificates): Promise<Theatre> {
  const prepared = new Map<Transcript, Prepared>()
  for (const [index, transcript] of company.transcripts.entries()) {
    prepared.set(transcript, await prepare(transcript, index))
  }
  const config = proxyConfig(prepared, company.config, certificates)
  const proxy = await (side === 'dovecot' ? startDovecot(config) : startPosternLmtp(config))
  return {
    stage: (transcript) => stageOf(side, proxy, prepared.get(transcript), certificates),
    async close() {
      await proxy.stop()
      await Promise.all([...prepared.values()].map(({ backend }) => backend.close()))
    },
  }
}

async function prepare(transcript: Transcript, index: number): Promise<Prepared> {
  const address = `127.${transcript.client === 'trusted' ? 1 : 2}.0.${index + 10}`
  const backend = await startScriptedBackend(undefined, '0.0.0.0')
  const values: Values = new Map([
    ['client-ip', address],
    ['domain', `t${index}.test`],
    ['proxy-ip', PROXY_HOST],
    ['backend-port', String(backend.port)],
  ])
  for (const [at, host] of BACKEND_HOSTS.entries()) {
    const number = at === 0 ? '' : String(at + 1)
    values.set(`backend${number}-ip`, host).set(`backend${number}`, `host=${host} port=${backend.port}`)
  }
  return { address, backend, values }
}

function stageOf(side: Side, proxy: Started, prepared: Prepared | undefined, certificates: Certificates): Stage {
  if (prepared === undefined) throw new Error('not a transcript of this company')
  const { address, backend, values } = prepared
  const port = proxy.ports['lmtp'] ?? 0
  values.set('proxy-port', String(port))
  return {
    side,
    // A greeting of LMTP begins as one of Submission.
    protocol: 'submission',
    proxyHost: PROXY_HOST,
    port,
    tlsPort: 0,
    clientAddress: address,
    backend,
    certificates,
    log: { lines: proxy.logLines, waitFor: (matches, from, ms) => proxy.waitForLog(matches, from, ms) },
    values,
  }
}

function proxyConfig(
  prepared: ReadonlyMap<Transcript, Prepared>,
  settings: readonly string[],
  certificates: Certificates,
): ConfigText {
  return (place) => {
    const pem = (name: string, text: string): string => {
      const path = join(place.dir, name)
      writeFileSync(path, text)
      return path
    }
    const files: Values = new Map([['authority', pem('authority.pem', certificates.authority.cert)]])
    for (const [name, { key, cert }] of certificates.byName) {
      files.set(`${name}-cert`, pem(`${name}.crt`, cert)).set(`${name}-key`, pem(`${name}.key`, key))
    }
    // LMTP has no password to forward, and no real address to choose a table by: one table has the users of all.
    const rows = [...prepared].flatMap(([{ users }, { values }]) =>
      users.map(
        ({ name, fields }) => `${expand(name, values)}:::::::${fields === '' ? '' : ` ${expand(fields, values)}`}\n`,
      ),
    )
    // Known to the passdb, and to nobody who could take the mail.
    const text = rows.join('')
    return lmtpConfig({
      users: text,
      hosts: [PROXY_HOST],
      settings: settings.map((line) => expand(line, files)).join('\n'),
    })(place)
  }
}
