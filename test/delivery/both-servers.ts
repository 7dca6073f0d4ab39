import { chownSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before } from 'node:test'
import type { Place } from '../peers/config-text.ts'
import { startDovecot } from '../peers/dovecot.ts'
import { skipWithout } from '../peers/peers.ts'
import { startPostern } from '../peers/postern.ts'
import type { Started } from '../peers/started.ts'
import { connectRaw } from '../support/raw-client.ts'
import { userIds } from '../support/user-ids.ts'

/** Why a test of deliveries beside Dovecot cannot run here. */
export const noDeliveries =
  skipWithout('dovecot-imapd') || (process.geteuid?.() === 0 ? false : 'Dovecot needs root to deliver for others')

const [uid, gid] = userIds('nobody')

/** Any user with the password `pass`, mail under `mail/`, IMAP, POP3 and LMTP; `more` may change all of it. */
export function deliveryConfig({ dir, port }: Place, more: string): string {
  mkdirSync(join(dir, 'mail'))
  chownSync(join(dir, 'mail'), uid, gid)
  return `protocols = imap pop3 lmtp
hostname = mx.test
disable_plaintext_auth = no
first_valid_uid = 1
first_valid_gid = 0
mail_location = maildir:~/Maildir
passdb {
  driver = static
  args = password=pass
}
userdb {
  driver = static
  args = uid=${uid} gid=${gid} home=${dir}/mail/%u
}
${listener('imap-login', 'imap', port)}${listener('pop3-login', 'pop3', port)}${listener('lmtp', 'lmtp', port)}${more}`
}

function listener(service: string, name: string, port: Place['port']): string {
  const tls = service === 'lmtp' ? '' : `  inet_listener ${name}s {\n    port = 0\n  }\n`
  return `service ${service} {\n  inet_listener ${name} {\n    port = ${port(name)}\n  }\n${tls}}\n`
}

/** A Dovecot and a Postern with the same configuration for the tests of a `describe`. */
export class BothServers {
  #servers: readonly Started[] = []

  constructor(config: (place: Place, name: 'dovecot' | 'postern') => string) {
    before(async () => {
      const starting = [
        startDovecot((place) => config(place, 'dovecot')),
        startPostern((place) => config(place, 'postern')),
      ]
      // One that runs is stopped although the other one did not start.
      const started = await Promise.allSettled(starting)
      this.#servers = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
      await Promise.all(starting)
    })
    after(async () => void (await Promise.all(this.#servers.map((server) => server.stop()))))
  }

  /** Does the same with both: Dovecot's outcome, then ours. */
  async do<Value>(work: (server: Started) => Value | Promise<Value>): Promise<readonly [Value, Value]> {
    const [theirs, ours] = this.#servers
    if (theirs === undefined || ours === undefined) throw new Error('the servers did not start')
    return await Promise.all([work(theirs), work(ours)])
  }

  isDovecot(server: Started): boolean {
    return server === this.#servers[0]
  }
}

/** Says commands by IMAP; an APPEND is written `APPEND MAILBOX BYTES`. Resolves with what the server said, tagged `aN`. */
export async function sayImap(
  server: Started,
  user: string,
  commands: readonly string[],
  afterEach?: (command: string) => Promise<void>,
): Promise<readonly string[]> {
  const wire = await connectRaw({ port: server.ports['imap'] ?? 0, name: 'imap' })
  await wire.line()
  const said: string[] = []
  for (const [index, command] of [`LOGIN ${user} pass`, ...commands].entries()) {
    const tag = `a${index}`
    const [, mailbox, size] = /^APPEND (\S+) (\d+)$/.exec(command) ?? []
    if (size === undefined) wire.send(`${tag} ${command}`)
    else {
      wire.send(`${tag} APPEND ${mailbox} {${size}+}`)
      wire.send(textOfSize(Number(size)))
    }
    const lines = await wire.linesUntil(new RegExp(`^${tag} `))
    if (index > 0) said.push(...lines)
    await afterEach?.(command)
  }
  wire.destroy()
  return said
}

/** A message of lines of ten bytes. */
function textOfSize(size: number): string {
  const head = 'Subject: x\r\n\r\n'
  const lines = 'xxxxxxxx\r\n'.repeat(Math.floor((size - head.length) / 10))
  return head + lines + 'x'.repeat(size - head.length - lines.length)
}

/** Says lines by POP3 and reads each answer. */
export async function sayPop(server: Started, lines: readonly string[]): Promise<void> {
  const wire = await connectRaw({ port: server.ports['pop3'] ?? 0, name: 'pop3' })
  await wire.line()
  for (const line of lines) {
    wire.send(line)
    await (/^(TOP|RETR|UIDL$|LIST$)/.test(line) ? wire.linesUntil(/^(\.|-ERR.*)$/) : wire.line())
  }
  wire.destroy()
}
