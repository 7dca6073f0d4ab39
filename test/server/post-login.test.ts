import assert from 'node:assert/strict'
import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Place } from '../peers/config-text.ts'
import { imapListeners, loginListeners, startDovecot } from '../peers/dovecot.ts'
import { MailHomes, PASSWORD } from '../peers/local-mail.ts'
import { skipWithout } from '../peers/peers.ts'
import { startPostern } from '../peers/postern.ts'
import type { Started } from '../peers/started.ts'
import { connectRaw } from '../support/raw-client.ts'
import { removeTempDir } from '../support/temp-dir.ts'
import type { Wire } from '../support/wire.ts'

/** Post-login scripts (`script-login`) between a login and its mail, with the same configuration in both servers. */

const SCRIPT = `#!/bin/sh
case "$USER" in
  guest) echo "no guests tonight" >&2; exit 1 ;;
  jane) MAIL=maildir:$HOME/Elsewhere; USERDB_KEYS="$USERDB_KEYS mail"; export MAIL USERDB_KEYS ;;
esac
if [ "$1" = imap ]; then
  echo "* OK [ALERT] Good evening $USER from $IP at $LOCAL_IP"
fi
shift
exec "$@"
`

function config(homes: MailHomes, place: Place): string {
  const script = join(place.dir, 'evening.sh')
  writeFileSync(script, SCRIPT)
  chmodSync(script, 0o755)
  const scriptFor = (protocol: string): string => `service ${protocol} {
  executable = ${protocol} ${protocol}-evening
}
service ${protocol}-evening {
  executable = script-login ${script} ${protocol}
  user = $default_internal_user
  unix_listener ${protocol}-evening {
  }
}
`
  return `protocols = imap pop3
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = maildir:~/Maildir
${homes.databases(place)}${imapListeners(place.port)}${loginListeners('pop3', place.port)}${scriptFor('imap')}${scriptFor('pop3')}`
}

async function imap(t: TestContext, server: Started): Promise<Wire> {
  const wire = await connectRaw({ port: server.ports['imap'] ?? 0 })
  t.after(() => wire.destroy())
  await wire.expect(/^\* OK /)
  return wire
}

for (const side of ['dovecot', 'postern'] as const) {
  const skip =
    process.getuid?.() === 0
      ? side === 'dovecot' && (skipWithout('dovecot-imapd') || skipWithout('dovecot-pop3d'))
      : 'only root can run scripts as another user'
  test(`post-login scripts of ${side}`, { skip }, async (t) => {
    const homes = new MailHomes(['joe', 'jane', 'guest'])
    const start = side === 'dovecot' ? startDovecot : startPostern
    const server = await start((place) => config(homes, place))
    t.after(async () => {
      await server.stop()
      removeTempDir(homes.dir)
    })

    await t.test(
      'what a script writes comes before the answer to LOGIN, and then the session goes on',
      async (inner) => {
        const wire = await imap(inner, server)
        wire.send(`a LOGIN joe ${PASSWORD}`, 'b SELECT INBOX')
        assert.equal(await wire.line(), '* OK [ALERT] Good evening joe from 127.0.0.1 at 127.0.0.1')
        await wire.expect(/^a OK \[CAPABILITY IMAP4rev1 .*\] Logged in$/)
        await wire.linesUntil(/^b OK /)
        wire.send('c LOGOUT')
        await wire.linesUntil(/^c OK /)
        await server.waitForLog(/imap\(joe\).*: Disconnected: Logged out in=/)
      },
    )

    await t.test('it may say where the mail lies', async (inner) => {
      const wire = await imap(inner, server)
      wire.send(`a LOGIN jane ${PASSWORD}`)
      await wire.linesUntil(/^a OK /)
      wire.send('b CREATE Evening')
      await wire.linesUntil(/^b OK /)
      assert.ok(existsSync(join(homes.home('jane'), 'Elsewhere', '.Evening')))
    })

    await t.test('for POP3 as well', async (inner) => {
      const wire = await connectRaw({ port: server.ports['pop3'] ?? 0 })
      inner.after(() => wire.destroy())
      await wire.expect(/^\+OK/)
      wire.send('USER joe', `PASS ${PASSWORD}`, 'STAT')
      await wire.expect(/^\+OK/)
      await wire.expect(/^\+OK Logged in\.$/)
      await wire.expect(/^\+OK 0 0$/)
    })

    await t.test('who is not let in gets no mail, and the log says so', async (inner) => {
      const wire = await imap(inner, server)
      wire.send(`a LOGIN guest ${PASSWORD}`)
      if (side === 'dovecot') await wire.expectEnd()
      else await wire.expect(/^a NO \[UNAVAILABLE\] /)
      await server.waitForLog(/Post-login script denied access to user guest/)
      await server.waitForLog(/no guests tonight/)
      assert.equal(existsSync(homes.maildir('guest')), false)
    })
  })
}
