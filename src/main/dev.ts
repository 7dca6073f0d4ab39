import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { prepareSampleProxy } from './dev/sample-proxy.ts'
import { isInstalled, SAMPLE_PROTOCOLS } from './dev/sample-protocols.ts'
import { type SampleBackend, SAMPLE_PASSWORD, SAMPLE_USERS } from './dev/users.ts'
import { serveCommand } from './serve.ts'

/**
 * `npm start`: a proxy with an embedded SQLite user table in front of two backends, on fixed loopback ports, everything
 * under `var/dev`. Runs until it is interrupted.
 */
export async function devCommand(): Promise<number> {
  const directory = join(fileURLToPath(new URL('../..', import.meta.url)), 'var', 'dev')
  const sample = await prepareSampleProxy(directory, SAMPLE_PROTOCOLS)
  try {
    process.stdout.write(intro(sample.configFile, sample.backends))
    return await serveCommand(['-c', sample.configFile])
  } finally {
    await sample.stop()
  }
}

function intro(configFile: string, backends: readonly SampleBackend[]): string {
  const [alice, bob] = SAMPLE_USERS
  const login = (user: string): string => `curl -u ${user}:${SAMPLE_PASSWORD}`
  const port = Object.fromEntries(SAMPLE_PROTOCOLS.map(({ name, port: number }) => [name, number]))
  return `
Postern sample proxy.${describeBackends(backends)}
Users:    ${alice.name} (backend 1) and ${bob.name} (backend 2), password "${SAMPLE_PASSWORD}"
Try:      ${login(alice.name)} imap://127.0.0.1:${port.imap}/INBOX
          ${login(bob.name)} -k imaps://127.0.0.1:1993/
          ${login(bob.name)} pop3://127.0.0.1:${port.pop3}/1
          ${login(alice.name)} --mail-from ${alice.name} --mail-rcpt ${bob.name} -T README.md smtp://127.0.0.1:${port.submission}
          openssl s_client -quiet -starttls sieve -connect 127.0.0.1:${port.sieve}
          swaks --protocol LMTP --server 127.0.0.1:${port.lmtp} --to ${bob.name}
          node bin/postern.js auth explain ${alice.name} -c ${configFile}
          node bin/postern.js doctor -c ${configFile}
Files:    ${dirname(configFile)} (dovecot.conf, users.sqlite, postern.log, outbox)
Stop:     Ctrl-C

`
}

function describeBackends(backends: readonly SampleBackend[]): string {
  const missing = SAMPLE_PROTOCOLS.filter((protocol) => !isInstalled(protocol))
  const places = backends.map(({ host, ports }) => `${host}:${ports['imap']}`).join(' and ')
  const others = SAMPLE_PROTOCOLS.filter(({ program }) => program !== undefined)
    .map(({ name }) => name)
    .join(' and ')
  const lacks =
    missing.length === 0
      ? `\n          Backends for ${others} are real Dovecots.`
      : `\n          For ${missing.map(({ name }) => name).join(' and ')} there is none: ` +
        `on Debian, apt-get install ${missing.map(({ debian }) => debian).join(' ')}`
  return `\nBackends: two more Posterns with a Maildir each, IMAP on ${places}${lacks}`
}
