import assert from 'node:assert/strict'
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { ConfigText } from '../peers/config-text.ts'
import { loginListeners, type LoginProtocol, startDovecot } from '../peers/dovecot.ts'
import { skipWithout } from '../peers/peers.ts'
import { startPostern } from '../peers/postern.ts'
import type { Started } from '../peers/started.ts'
import { PATIENCE_MS } from '../support/deadline.ts'
import { connectRaw } from '../support/raw-client.ts'
import type { Wire } from '../support/wire.ts'

// `mail_max_userip_connections`: sessions of one user from one address in one protocol, counted over all workers. The words
// are those of the Dovecot beside us.

const config: ConfigText = ({ dir, port }) => {
  const mail = join(dir, 'mail')
  mkdirSync(mail)
  chmodSync(mail, 0o1777)
  chmodSync(dir, 0o755)
  return `protocols = imap pop3
disable_plaintext_auth = no
mail_max_userip_connections = 2
first_valid_uid = 1
mail_location = maildir:${mail}/%u
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = static
  args = uid=mail gid=mail home=${mail}/%u
}
${loginListeners('imap', port)}${loginListeners('pop3', port)}`
}

interface Dialogue {
  readonly protocol: LoginProtocol
  readonly commands: (user: string) => readonly string[]
  /** The reply to the last command. */
  readonly reply: RegExp
  readonly ok: RegExp
  readonly quit: string
}

const dialogues: readonly Dialogue[] = [
  { protocol: 'imap', commands: (user) => [`a LOGIN ${user} x`], reply: /^a /, ok: /^a OK /, quit: 'b LOGOUT' },
  {
    protocol: 'pop3',
    commands: (user) => [`USER ${user}`, 'PASS x'],
    reply: /^(\+OK Logged in|-ERR)/,
    ok: /^\+OK Logged in/,
    quit: 'QUIT',
  },
]

describe('mail_max_userip_connections', { skip: skipWithout('dovecot-imapd') || skipWithout('dovecot-pop3d') }, () => {
  let ours: Started
  let theirs: Started
  const wires: Wire[] = []
  before(async () => {
    ;[ours, theirs] = await Promise.all([
      startPostern((place) => `postern_workers = 2\n${config(place)}`),
      startDovecot(config),
    ])
  })
  after(async () => {
    for (const wire of wires) wire.destroy()
    await Promise.all([ours.stop(), theirs.stop()])
  })

  async function login(
    { ports }: Started,
    { protocol, commands, reply }: Dialogue,
    user: string,
    from = '127.0.0.1',
  ): Promise<{ wire: Wire; said: string }> {
    const wire = await connectRaw({ port: ports[protocol] ?? 0, localAddress: from })
    wires.push(wire)
    await wire.line()
    wire.send(...commands(user))
    return { wire, said: (await wire.linesUntil(reply)).at(-1) ?? '' }
  }

  /** Dovecot's anvil hears of a session a moment after its client: whoever comes in that moment is let in, and leaves again. */
  async function loginRefused(server: Started, dialogue: Dialogue, user: string): ReturnType<typeof login> {
    const latest = performance.now() + PATIENCE_MS
    for (;;) {
      const tried = await login(server, dialogue, user)
      if (!dialogue.ok.test(tried.said)) return tried
      assert.ok(performance.now() < latest, 'nobody is refused')
      tried.wire.send(dialogue.quit)
      await tried.wire.linesUntil(/^(b OK|\+OK)/)
      await tried.wire.expectEnd()
      await pause(50)
    }
  }

  for (const dialogue of dialogues) {
    test(`${dialogue.protocol}: the third session is refused with the limit, as by Dovecot, and then let in`, async () => {
      const refusals: string[] = []
      for (const server of [ours, theirs]) {
        const [first, second] = await Promise.all([login(server, dialogue, 'joe'), login(server, dialogue, 'joe')])
        for (const { said } of [first, second]) assert.match(said, dialogue.ok)
        const third =
          server === ours ? await login(server, dialogue, 'joe') : await loginRefused(server, dialogue, 'joe')
        refusals.push(third.said)
        await third.wire.expectEnd()
        assert.match((await login(server, dialogue, 'jane')).said, dialogue.ok, 'another user')
        first.wire.send(dialogue.quit)
        await first.wire.linesUntil(/^(b OK|\+OK)/)
        await first.wire.expectEnd()
        await eventuallyIn(async () => dialogue.ok.test((await login(server, dialogue, 'joe')).said))
      }
      assert.equal(refusals[0], refusals[1])
      assert.match(refusals[0] ?? '', /exceeded \(mail_max_userip_connections=2\)$/)
    })
  }
})

/** A session that ended is forgotten a moment later. */
async function eventuallyIn(isIn: () => Promise<boolean>): Promise<void> {
  const latest = performance.now() + PATIENCE_MS
  while (!(await isIn())) {
    assert.ok(performance.now() < latest, 'the session that ended still counts')
    await pause(50)
  }
}
